import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleForBrowser } from './bundle-for-browser.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A folder's index.html with its main.ts and the styles inside, and a policy that lets the page connect to nothing. */
export async function buildPage({ folder, styles, hasWasm }) {
  const program = await bundleForBrowser(path.join(root, folder, 'main.ts'));
  const style = styles
    .map((file) => readFileSync(path.join(root, file), 'utf8'))
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(program)}'${hasWasm ? " 'wasm-unsafe-eval'" : ''}`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const parts = {
    POLICY: `<meta http-equiv="Content-Security-Policy" content="${policy}" />`,
    STYLE: `<style>${style}</style>`,
    PROGRAM: `<script type="module">${program}</script>`,
  };
  const page = readFileSync(path.join(root, folder, 'index.html'), 'utf8');
  return page.replace(/<!-- (POLICY|STYLE|PROGRAM) -->/g, (_, name) => parts[name]);
}

/** `file` is relative to the project. */
export function writePage(page, file) {
  const place = path.resolve(root, file);
  mkdirSync(path.dirname(place), { recursive: true });
  writeFileSync(place, page);
  console.log(`${place}: ${page.length.toLocaleString('en')} bytes`);
}

const hashOf = (text) => `sha256-${createHash('sha256').update(text).digest('base64')}`;
