/** Streams become files of the snapshot, whole or not at all. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createFileStore } from '../../storage/file-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { walkTree } from '../list-tree.ts';
import { initRepository, listSnapshots } from '../repository.ts';
import { noise } from '../testing/noise.ts';
import type { SnapshotWithId, WritableRepository } from '../types.ts';
import { type BackupOptions, type BackupResult, backup } from './backup.ts';
import type { StreamSource } from './stream-source.ts';

let scratch: string;
let folder: string;
let repo: WritableRepository;

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-stream-'));
  folder = join(scratch, 'repo');
  mkdirSync(join(scratch, 'source'));
  writeFileSync(join(scratch, 'source', 'note'), 'a file');
  const key = { password: 'p', strength: 'machine', hostname: 'h', username: 'u', clock: systemClock } as const;
  repo = await initRepository(createFileStore({ root: folder }), key);
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

function restic(...args: string[]): Buffer {
  const env = { ...process.env, RESTIC_PASSWORD: 'p' };
  return execFileSync('restic', ['-r', folder, '--no-cache', ...args], { env, maxBuffer: 128 * 1024 * 1024 });
}

async function backUp(streams: readonly StreamSource[], more: Partial<BackupOptions> = {}): Promise<BackupResult> {
  return await backup(repo, {
    paths: [],
    streams,
    hostname: 'machine',
    time: new Date('2026-01-02T03:04:05.678Z'),
    index: await BlobIndex.load(repo),
    clock: systemClock,
    programVersion: 'holdfast test',
    ...more,
  });
}

function stream(path: string, pieces: readonly Uint8Array[], failure?: Error): StreamSource {
  return {
    path,
    open: async () => {
      const ended = Promise.withResolvers<void>();
      async function* bytes(): AsyncGenerator<Uint8Array> {
        yield* pieces;
        if (failure === undefined) ended.resolve();
        else ended.reject(failure);
      }
      return { bytes: bytes(), done: ended.promise };
    },
  };
}

async function pathsOf(snapshot: SnapshotWithId): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of walkTree(new BlobReader(repo, await BlobIndex.load(repo)), snapshot.tree))
    paths.push(path);
  return paths;
}

describe('a stream that ends well', () => {
  test('is a file that stock restic gives back byte for byte, whatever the pieces in which it came', async () => {
    const plain = noise(30 * 1024 * 1024 + 7, 'stream');
    const pieces: Buffer[] = [];
    for (let at = 0, size = 1; at < plain.length; at += size, size = (size * 7 + 3) % 3_000_000)
      pieces.push(plain.subarray(at, at + size));
    const { snapshot, unread } = await backUp([stream('/postgres/app.dump', pieces)]);
    expect(unread).toEqual([]);
    expect(snapshot).toMatchObject({
      paths: ['/postgres/app.dump'],
      summary: { files_new: 1, total_bytes_processed: plain.length },
    });
    expect(await pathsOf(snapshot)).toEqual(['/postgres', '/postgres/app.dump']);
    expect(restic('dump', 'latest', '/postgres/app.dump').equals(plain)).toBe(true);
    expect(restic('check', '--read-data').toString()).toContain('no errors were found');
  });

  test('is read in the order in which it was given, whatever its name', async () => {
    const names = ['/z/last', '/a/first', '/m', '/a/b/c'];
    const opened: string[] = [];
    const sources = names.map((name) => {
      const source = stream(name, [Buffer.from(name)]);
      return {
        ...source,
        open: async (signal: AbortSignal) => {
          opened.push(name);
          return await source.open(signal);
        },
      };
    });
    await backUp(sources);
    expect(opened).toEqual(names);
  });

  test('is cut like the same bytes in a file: the second time nothing of it is stored', async () => {
    const plain = noise(12 * 1024 * 1024, 'same');
    writeFileSync(join(scratch, 'source', 'dump'), plain);
    const first = await backUp([], { paths: [join(scratch, 'source', 'dump')] });
    const again = await backUp([stream('/dump', [plain])]);
    expect(first.snapshot.summary?.data_blobs).toBeGreaterThan(3);
    expect(again.snapshot.summary?.data_blobs).toBe(0);
  });

  test('lies beside the files of the same backup, in their folders too', async () => {
    const source = join(scratch, 'source');
    const streams = [stream(`${source}/between`, [Buffer.from('1')]), stream('/zz/b', [Buffer.from('2')])];
    const { snapshot } = await backUp(streams, { paths: [source] });
    const paths = await pathsOf(snapshot);
    expect(paths.filter((path) => path.startsWith(source) || path.startsWith('/zz'))).toEqual([
      source,
      `${source}/between`,
      `${source}/note`,
      '/zz',
      '/zz/b',
    ]);
    expect(restic('dump', 'latest', `${source}/between`).toString()).toBe('1');
    expect(restic('check', '--read-data').toString()).toContain('no errors were found');
  });
});

describe('a stream that fails', () => {
  const failed = new Error('exit code 3');

  test('makes no snapshot, whether it fails after its last byte, between two, or before the first', async () => {
    const late = stream('/late', [noise(20_000_000, 'late')], failed);
    const broken: StreamSource = {
      path: '/broken',
      open: async () => ({
        // Its output stays open and silent: only the exit says that nothing more comes.
        bytes: {
          [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<Uint8Array>>(() => undefined) }),
        },
        done: Promise.reject(failed),
      }),
    };
    const unopened: StreamSource = { path: '/unopened', open: () => Promise.reject(failed) };
    for (const bad of [late, broken, unopened]) {
      const good = stream('/good', [Buffer.from('good')]);
      await expect(backUp([good, bad]), bad.path).rejects.toMatchObject({
        code: 'source_unreadable',
        message: expect.stringMatching(new RegExp(`^${bad.path}: .*exit code 3`)),
      });
    }
    expect((await listSnapshots(repo)).snapshots).toEqual([]);
    expect(restic('check', '--read-data').toString()).toContain('no errors were found');
  });

  test('is left out by name when the caller says so, and the others are whole', async () => {
    const streams = [
      stream('/db/a', [Buffer.from('a')]),
      stream('/db/bad', [noise(9_500_000, 'bad')], failed),
      stream('/db/c', [noise(10_000_000, 'c')]),
    ];
    const { snapshot, unread } = await backUp(streams, { onStreamFailure: 'leave_out' });
    expect(unread).toEqual([
      { path: '/db/bad', reason: 'read_error', bytes: 0, message: expect.stringContaining('exit code 3') },
    ]);
    expect(await pathsOf(snapshot)).toEqual(['/db', '/db/a', '/db/c']);
    expect(restic('dump', 'latest', '/db/c').equals(noise(10_000_000, 'c'))).toBe(true);
  });

  test('makes no snapshot even then when nothing else was read', async () => {
    const only = stream('/only', [Buffer.from('x')], failed);
    await expect(backUp([only], { onStreamFailure: 'leave_out' })).rejects.toMatchObject({ code: 'source_unreadable' });
    expect((await listSnapshots(repo)).snapshots).toEqual([]);
  });

  test('counts as one when it gives nothing, unless it may be empty', async () => {
    await expect(backUp([stream('/empty', [])])).rejects.toMatchObject({ code: 'source_missing' });
    const { snapshot } = await backUp([{ ...stream('/empty', []), mayBeEmpty: true }]);
    expect(await pathsOf(snapshot)).toEqual(['/empty']);
    expect(restic('check').toString()).toContain('no errors were found');
  });
});

test('a backup that is stopped tells the producer, which is waiting for its reader', async () => {
  const stop = new AbortController();
  let heard: AbortSignal | undefined;
  const endless: StreamSource = {
    path: '/endless',
    open: async (signal) => {
      heard = signal;
      async function* bytes(): AsyncGenerator<Uint8Array> {
        for (;;) {
          yield noise(1_000_000, 'endless');
          stop.abort();
        }
      }
      return { bytes: bytes(), done: new Promise(() => undefined) };
    },
  };
  await expect(backUp([endless], { signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled' });
  expect(heard?.aborted).toBe(true);
});

test.each([
  ['relative', ['x']],
  ['of a folder', ['/x/']],
  ['that leads elsewhere', ['/a/../x']],
  ['that is given twice', ['/x', '/x']],
  ['below another one', ['/x', '/x/y']],
  ['above another one', ['/x/y', '/x']],
])('a place %s is refused before anything is opened', async (_, paths) => {
  const unopened = (path: string): StreamSource => ({ path, open: () => Promise.reject(new Error('opened')) });
  await expect(backUp(paths.map(unopened))).rejects.toMatchObject({ code: 'bad_request' });
});

test('a place that the source has taken is refused: one of the two would be lost', async () => {
  const source = join(scratch, 'source');
  for (const path of [join(source, 'note'), join(source, 'note', 'x'), source])
    await expect(backUp([stream(path, [Buffer.from('x')])], { paths: [source] })).rejects.toMatchObject({
      code: 'bad_request',
    });
  expect((await listSnapshots(repo)).snapshots).toEqual([]);
});
