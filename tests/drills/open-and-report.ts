/**
 * A restore test's two kinds of children, started by whoever runs this: one restores a file of a vault, one has PostgreSQL open
 * a dump. Prints what came of it. Arguments: folder of the vault, its task as JSON, path of the file; folder of the dump.
 */
import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { silentLog } from '../../core/base/log.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import { openRestored } from '../../workers/drill/open-restored.ts';
import { runInSandbox } from '../../workers/sandbox/run-in-sandbox.ts';

const [vault = '', task = '', file = '', folder = ''] = process.argv.slice(2);
const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-restored-'));
const restored = await runInSandbox({
  task: {
    kind: 'drill',
    ...(JSON.parse(task) as { password: string; snapshotId: string; treeId: string }),
    paths: [file],
    targetDir: scratch,
  },
  store: createFileStore({ root: vault }),
  scratchPath: scratch,
  wallClockMs: 60_000,
  outputBytesMax: 2 ** 26,
  log: silentLog,
});
const about = { kind: 'command', label: 'job', database: null, serverVersion: null, clientVersion: null } as const;
const { size } = statSync(path.join(folder, 'dump.sql'));
const dump = { path: '/dump.sql', size, sha256: '', role: 'dump', dump: about } as const;
const opened = await openRestored({
  log: silentLog,
  work: {
    plan: { files: [dump], bytes: 0, leftOut: 0 },
    dumps: [dump],
    sources: [],
    captureMs: 0,
    earlier: { rows: {}, paces: [], breakdowns: 0 },
  },
  folder,
  signal: new AbortController().signal,
  onStep: () => undefined,
});
const contents = restored.kind === 'result' ? readFileSync(path.join(scratch, file), 'utf8') : JSON.stringify(restored);
console.log(JSON.stringify({ layers: restored.layers, contents, checks: opened.checks, warnings: opened.warnings }));
