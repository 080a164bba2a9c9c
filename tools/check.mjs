/** `npm run check`: types, lint, layers, names, dead code and formatting, side by side. Exit code 1 when one of them fails. */
import { fileURLToPath } from 'node:url';
import { ensureInstalled, runOnPinnedNode } from './bootstrap.mjs';
import { checkParts, runParts } from './check/run-parts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

ensureInstalled(root);
if (await runOnPinnedNode(root, fileURLToPath(import.meta.url))) {
  const { ensureGenerated } = await import('./start/ensure-generated.ts');
  await ensureGenerated(root);
  const failed = await runParts(checkParts(root), { cwd: root });
  if (failed.length > 0) {
    console.log(`The check failed: ${failed.map(({ name }) => name).join(', ')}.`);
    process.exitCode = 1;
  }
}
