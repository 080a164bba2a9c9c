/** `npm test`: installs what is missing, then goes on as test.ts under the pinned Node. Runs on Node 20 and newer. */
import { fileURLToPath } from 'node:url';
import { ensureInstalled, runOnPinnedNode } from './bootstrap.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const script = fileURLToPath(new URL('test.ts', import.meta.url));

ensureInstalled(root);
if (await runOnPinnedNode(root, script)) await import('./test.ts');
