/** What a backup says of the contents that it read: true to the byte, and cheap however much there is. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createMemoryStore } from '../../storage/memory-store.ts';
import { initRepository } from '../repository.ts';
import { backUpSource } from '../testing/back-up-source.ts';
import { noise } from '../testing/noise.ts';
import type { WritableRepository } from '../types.ts';
import type { BackupOptions, BackupResult } from './backup.ts';
import { entropyOf, NewDataSigns } from './new-data-signs.ts';

describe('the entropy of bytes', () => {
  test('is none for one value, one bit for two, and nearly eight for what is encrypted', () => {
    expect(entropyOf(new Uint8Array(4096))).toBe(0);
    expect(entropyOf(Uint8Array.from({ length: 4096 }, (_, at) => at % 2))).toBeCloseTo(1, 3);
    expect(entropyOf(noise(4096, 'a'))).toBeGreaterThan(7.95);
    expect(entropyOf(Buffer.from('the quick brown fox jumps over the lazy dog '.repeat(90)))).toBeLessThan(4.5);
    // A short piece of random bytes is not taken for text.
    expect(entropyOf(noise(512, 'b'))).toBeGreaterThan(7.7);
    expect(entropyOf(new Uint8Array())).toBe(0);
  });

  test('lies between 0 and 8 and does not depend on the order of the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
        const bits = entropyOf(bytes);
        expect(bits >= 0 && bits <= 8).toBe(true);
        expect(entropyOf(bytes.toSorted())).toBeCloseTo(bits, 9);
      }),
    );
  });
});

describe('looks at new data', () => {
  const MB = 1024 * 1024;
  const chunkOf = (bytes: Uint8Array) => {
    const buffer = new SharedArrayBuffer(bytes.length);
    new Uint8Array(buffer).set(bytes);
    return {
      buffer,
      ranges: Uint32Array.of(0, bytes.length),
      ids: new Uint8Array(32),
      sums: new Uint32Array(1),
    };
  };

  test('are at most one byte in a hundred of a large backup, and some of a small one', () => {
    const chunk = chunkOf(noise(MB, 'c'));
    const large = new NewDataSigns();
    for (let at = 0; at < 2000; at += 1) large.add(chunk, 0);
    expect(large.figures()).toMatchObject({ newBytes: 2000 * MB, entropy: { sampledBytes: 2000 * 4096 } });
    const small = new NewDataSigns();
    small.add(chunkOf(noise(1000, 'd')), 0);
    expect(small.figures().entropy?.sampledBytes).toBe(1000);
    const tiny = new NewDataSigns();
    const note = chunkOf(Buffer.from('a note'));
    for (let at = 0; at < 100_000; at += 1) tiny.add(note, 0);
    expect(tiny.figures()).toMatchObject({ newBytes: 600_000, entropy: null });
  });

  test('count by the bytes that they stand for, and not by pieces: half of the pieces random and a third of the bytes is 8 ÷ 3 bits', () => {
    const signs = new NewDataSigns();
    const [random, zeros] = [chunkOf(noise(64 * 1024, 'e')), chunkOf(new Uint8Array(128 * 1024))];
    for (const byte of noise(40_000, 'order')) signs.add(byte < 128 ? random : zeros, 0);
    expect(Math.abs(signs.figures().entropy!.bits - 8 / 3)).toBeLessThan(0.4);
  });
});

describe('a backup', () => {
  let root: string;
  let repo: WritableRepository;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-signs-'));
    const key = { password: 'p', strength: 'machine', hostname: 'h', username: 'u', clock: systemClock } as const;
    repo = await initRepository(createMemoryStore(), key);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const backUp = async (more: Partial<BackupOptions> = {}): Promise<BackupResult> =>
    await backUpSource(repo, root, more);
  const write = (name: string, contents: string | Buffer): void => writeFileSync(join(root, name), contents);
  const TEXT = 'one line of text that comes again and again\n'.repeat(1000);

  test('without a parent compares nothing and says what it read and stored', async () => {
    write('a', TEXT);
    write('b', TEXT);
    const { changes, storedBytes } = await backUp();
    expect(changes).toMatchObject({ files: null, readBytes: 2 * TEXT.length, newBytes: TEXT.length });
    expect(changes.entropy!.bits).toBeLessThan(5);
    expect(changes.storedBytes).toBeLessThan(TEXT.length / 10);
    // The folder's own listing is not among what files were stored at.
    expect(changes.storedBytes).toBeLessThan(storedBytes);
  });

  test.each([
    ['its own memory of folders', true],
    ['the parent’s listings', false],
  ])('counts what changed, moved and went by %s, and what is unchanged is not read', async (_, remembers) => {
    const more = remembers ? { statePath: join(tmpdir(), `${root.split('/').at(-1)}.state`) } : {};
    for (let at = 0; at < 20; at += 1) write(`file-${at}`, `${TEXT}${at}`);
    const first = await backUp(more);
    for (let at = 0; at < 5; at += 1) write(`file-${at}`, noise(50_000, String(at)));
    for (let at = 5; at < 8; at += 1) rmSync(join(root, `file-${at}`));
    renameSync(join(root, 'file-8'), join(root, 'moved'));
    const { changes } = await backUp({ ...more, parent: first.snapshot });
    expect(changes.files).toEqual({ former: 20, changed: 5, gone: 4 });
    expect(changes.newBytes).toBe(250_000);
    expect(changes.readBytes).toBe(250_000 + TEXT.length + 1);
    expect(changes.entropy!.bits).toBeGreaterThan(7.9);
    expect(changes.storedBytes).toBeGreaterThan(250_000);
    rmSync(join(tmpdir(), `${root.split('/').at(-1)}.state`), { force: true });
  });

  test('leaves a dump out of what it says of files, whatever the dump holds', async () => {
    write('note', TEXT);
    const first = await backUp();
    const dump = {
      path: '/dumps/shop.dump',
      open: async () => {
        async function* bytes(): AsyncGenerator<Uint8Array> {
          yield noise(3_000_000, 'dump');
        }
        return { bytes: bytes(), done: Promise.resolve() };
      },
    };
    const { changes, addedBytes } = await backUp({ parent: first.snapshot, streams: [dump] });
    expect(addedBytes).toBeGreaterThan(3_000_000);
    expect(changes).toEqual({
      files: { former: 1, changed: 0, gone: 0 },
      ...{ readBytes: 0, newBytes: 0, storedBytes: 0, entropy: null },
    });
  });
});
