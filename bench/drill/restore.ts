/**
 * One process of the benchmark: what a drill does with a repository in a folder, up to the comparison.
 *   restore.ts REPOSITORY PASSWORD_FILE TARGET SNAPSHOT TREE
 * It prints the seconds that this took: a worker runs for weeks, and its own start is no part of a drill. The service knows
 * snapshot and tree from the machine's manifest.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { silentLog } from '../../core/base/log.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import { confine } from '../../workers/sandbox/confinement.ts';
import { runInSandbox } from '../../workers/sandbox/run-in-sandbox.ts';

const [repository = '', passwordFile = '', target = '', snapshotId = '', treeId = ''] = process.argv.slice(2);
const store = createFileStore({ root: repository });
const password = readFileSync(passwordFile, 'utf8').trimEnd();
mkdirSync(target, { recursive: true });
// What a worker does once in its life is no part of a drill.
confine({ fileBytesMax: 1 });
const startedMs = performance.now();
const end = await runInSandbox({
  task: { kind: 'drill', password, snapshotId, treeId, paths: [], isWhole: true, targetDir: target },
  store,
  scratchPath: target,
  wallClockMs: 600_000,
  outputBytesMax: 2 ** 40,
  log: silentLog,
});
console.log((performance.now() - startedMs) / 1000);
if (end.kind !== 'result') throw new Error(`the drill's restore did not come to its end: ${JSON.stringify(end)}`);
