/** `npm run bench [-- NAME …]`: installs what is missing, then runs bench/main.ts under the pinned Node. */
import { fileURLToPath } from 'node:url';
import { ensureInstalled, passOn, pinnedNode, runOnPinnedNode } from './bootstrap.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const benchmarks = fileURLToPath(new URL('../bench/main.ts', import.meta.url));

ensureInstalled(root);
if (await runOnPinnedNode(root, benchmarks))
  await passOn(pinnedNode(root), [benchmarks, ...process.argv.slice(2)], root);
