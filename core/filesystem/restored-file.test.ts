/** A restore may be killed between any two calls: what it leaves must say truly whether it is whole. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createFile, finishFile, UNFINISHED_MODE } from './restored-file.ts';

const MTIME_MS = 1_600_000_000_000;
/** Gives a group its rights, by which the system changes the mode as well. */
const ACL = Buffer.from(
  '0200000001000600ffffffff02000400d204000004000400ffffffff10000500ffffffff20000000ffffffff',
  'hex',
);

/** Looks at the file whose number is shared, again and again; tells of each that is neither marked nor of its time. */
const WATCHER = `
  const { lstatSync } = require('node:fs');
  const { parentPort, workerData: { prefix, current, mode, mtimeMs } } = require('node:worker_threads');
  const early = new Set();
  for (let at; (at = Atomics.load(current, 0)) >= 0; ) {
    const found = lstatSync(prefix + at, { throwIfNoEntry: false });
    if (found !== undefined && (found.mode & 0o7777) !== mode && found.mtimeMs !== mtimeMs) early.add(at);
    Atomics.store(current, 1, 1);
  }
  parentPort.postMessage([...early]);
`;

test.each([
  ['', []],
  [' with an access control list', [{ name: Buffer.from('system.posix_acl_access'), value: ACL }]],
] as const)(
  'a file%s has its time before it loses the mark of an unfinished one: the next restore takes it for whole',
  async (_, attributes) => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-restored-file-'));
    const current = new Int32Array(new SharedArrayBuffer(8));
    const workerData = { prefix: join(folder, 'file-'), current, mode: UNFINISHED_MODE, mtimeMs: MTIME_MS };
    const watcher = new Worker(WATCHER, { eval: true, workerData });
    try {
      const early = new Promise<number[]>((resolve, reject) => watcher.once('message', resolve).once('error', reject));
      const owner = { uid: process.geteuid!(), gid: process.getegid!() };
      const time = BigInt(MTIME_MS) * 1_000_000n;
      for (let at = 0; at < 100; at += 1) {
        const fd = createFile(Buffer.from(`${workerData.prefix}${at}`), true);
        Atomics.store(current, 0, at);
        // Until it has been looked at: there is one file at a time under the watcher's eyes.
        for (Atomics.store(current, 1, 0); Atomics.load(current, 1) === 0; ) await new Promise(setImmediate);
        expect(
          finishFile(fd, 0, { permissions: 0o640, mtimeNs: time, atimeNs: time, owner, attributes }),
        ).toBeUndefined();
      }
      Atomics.store(current, 0, -1);
      expect(await early).toEqual([]);
    } finally {
      await watcher.terminate();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
