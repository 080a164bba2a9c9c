/** `npm run check`: types, lint, layers, names, dead code and formatting, side by side. Exit code 1 when one of them fails. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, runOnPinnedNode } from './bootstrap.mjs';
import { runParts } from './check/run-parts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const program = (name) => path.join(root, 'node_modules/.bin', name);

ensureInstalled(root);
if (await runOnPinnedNode(root, fileURLToPath(import.meta.url))) {
  const { ensureGenerated } = await import('./start/ensure-generated.ts');
  await ensureGenerated(root);
  const failed = await runParts(
    [
      { name: 'types', command: program('tsc'), args: ['--noEmit', '--pretty', 'false', '-p', '.'] },
      { name: 'lint', command: program('oxlint'), args: ['--type-aware', '--deny-warnings', '--format', 'unix', '.'] },
      { name: 'layers', command: process.execPath, args: ['tools/check/check-layers.mjs'] },
      { name: 'names', command: process.execPath, args: ['tools/check/check-names.mjs'] },
      { name: 'dead code', command: program('knip'), args: ['--no-progress'] },
      { name: 'formatting', command: program('biome'), args: ['format', '--max-diagnostics=50', '.'] },
    ],
    { cwd: root },
  );
  if (failed.length > 0) {
    console.log(`The check failed: ${failed.join(', ')}.`);
    process.exitCode = 1;
  }
}
