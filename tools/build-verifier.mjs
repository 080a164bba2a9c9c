/**
 * Builds the page that checks evidence: one HTML file with program and style inside, and a policy that lets it connect to nothing.
 *
 *   node tools/build-verifier.mjs [file]      default: dist/holdfast-verifier.html
 */
import { fileURLToPath } from 'node:url';
import { buildPage, writePage } from './build/build-page.mjs';

/** The page as text. */
export async function buildVerifier() {
  return await buildPage({ folder: 'verifier', styles: ['reader/style.css', 'verifier/style.css'], hasWasm: false });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writePage(await buildVerifier(), process.argv[2] ?? 'dist/holdfast-verifier.html');
