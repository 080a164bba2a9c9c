/** `npm run seed -- …`: installs what is missing, then runs tools/seed.ts under the pinned Node. */
import { fileURLToPath } from 'node:url';
import { ensureInstalled, passOn, pinnedNode, runOnPinnedNode } from './bootstrap.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const seed = fileURLToPath(new URL('./seed.ts', import.meta.url));

ensureInstalled(root);
if (await runOnPinnedNode(root, seed)) await passOn(pinnedNode(root), [seed, ...process.argv.slice(2)], root);
