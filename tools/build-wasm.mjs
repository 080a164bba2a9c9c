// Assembles every core/**/*.wat into a TypeScript module beside it (poly1305.wat -> poly1305-wasm.ts), as base64, so that
// the same source runs in Node, in a worker thread, in a bundle and in a browser without a file to find at run time.
// The output is committed; core/repository/crypto/poly1305.test.ts proves that a rebuild gives the same bytes.
// Usage: node tools/build-wasm.mjs            (writes)
//        node tools/build-wasm.mjs --check    (fails when a committed module differs from its source)
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import openWabt from 'wabt';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The text of the module for one .wat file: `{ path, text }`, path relative to the checkout. */
export async function assembleWasm(watPath) {
  const wabt = await openWabt();
  const module = wabt.parseWat(basename(watPath), readFileSync(join(root, watPath), 'utf8'), {
    simd: true,
    relaxed_simd: true,
  });
  module.validate();
  const { buffer } = module.toBinary({ log: false, write_debug_names: false });
  module.destroy();
  const name = basename(watPath, '.wat');
  const constant = `${name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())}WasmBase64`;
  const lines =
    Buffer.from(buffer)
      .toString('base64')
      .match(/.{1,110}/g) ?? [];
  const text = [
    `// Assembled from ${name}.wat by tools/build-wasm.mjs: edit that file, not this one.`,
    `export const ${constant} = [`,
    ...lines.map((line) => `  '${line}',`),
    `].join('');`,
    '',
  ].join('\n');
  return { path: join(dirname(watPath), `${name}-wasm.ts`), text };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const isCheck = process.argv.includes('--check');
  for (const watPath of globSync('core/**/*.wat', { cwd: root }).sort()) {
    const { path, text } = await assembleWasm(watPath);
    if (!isCheck) writeFileSync(join(root, path), text);
    else if (readFileSync(join(root, path), 'utf8') !== text) {
      console.error(`${path} is not what ${watPath} assembles to. Run: node tools/build-wasm.mjs`);
      process.exitCode = 1;
    }
    console.log(`${watPath} -> ${path}, ${text.length} characters`);
  }
}
