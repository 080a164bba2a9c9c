/** `npm start`: installs what is missing, then goes on as start.ts under the pinned Node. Runs on Node 20 and newer. */
import { fileURLToPath } from 'node:url';
import { ensureInstalled, runOnPinnedNode } from './bootstrap.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const script = fileURLToPath(new URL('start.ts', import.meta.url));

ensureInstalled(root);
// In the same process where possible: one process less between a signal and the service.
if (await runOnPinnedNode(root, script)) await import('./start.ts');
