/**
 * Builds the Holdfast reader: one HTML file with program and style inside, and a policy that lets it connect to nothing.
 *
 *   node tools/build-reader.mjs [file]      default: dist/holdfast-reader.html
 */
import { fileURLToPath } from 'node:url';
import { buildPage, writePage } from './build/build-page.mjs';

/** The page as text. */
export async function buildReader() {
  // The read path's own arithmetic is WebAssembly.
  return await buildPage({ folder: 'reader', styles: ['reader/style.css'], hasWasm: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writePage(await buildReader(), process.argv[2] ?? 'dist/holdfast-reader.html');
