/**
 * What every object store must do, as one suite. An adapter is finished when it passes: `describeStore('file', open)`.
 * What concerns signed URLs is in signed-conformance.ts, for it needs somebody who serves them.
 */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crc32cBase64 } from '../../base/crc32c.ts';
import type { ObjectStore, ReadStore, StreamTerms } from '../port.ts';

export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** A second client of the same storage, as another process would open it. */
  reopen(): Promise<ObjectStore>;
  close(): Promise<void>;
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function keysOf(store: ReadStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

export async function streamOf(store: ReadStore, key: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.stream(key)) pieces.push(piece);
  return Buffer.concat(pieces);
}

export async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** Every test works below its own folder, so that a real bucket can be used and left clean. */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`object store: ${name}`, () => {
    const run = `conformance/${randomBytes(6).toString('hex')}`;
    let subject: StoreUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(async () => {
      for (const key of await keysOf(subject.store, `${run}/`)) await subject.store.remove(key);
      await subject.close();
    });
    const api = { store: () => subject.store, reopen: () => subject.reopen(), key: (tail: string) => `${run}/${tail}` };
    describeCreate(api);
    describeCreateFrom(api);
    describeReading(api);
    describeListing(api);
    describeRemoving(api);
  });
}

interface Api {
  store(): ObjectStore;
  reopen(): Promise<ObjectStore>;
  key(tail: string): string;
}

function describeCreate({ store, reopen, key }: Api): void {
  test('an object that was created is there with its bytes, size and checksum', async () => {
    const bytes = randomBytes(100_000);
    expect(await store().create(key('create/a'), bytes)).toBe('created');
    expect(Buffer.from(await store().get(key('create/a'))).equals(bytes)).toBe(true);
    const info = await store().head(key('create/a'));
    expect(info).toMatchObject({ key: key('create/a'), size: 100_000, crc32c: crc32cBase64(bytes) });
    expect(info!.generation).not.toBe('');
    expect(await store().sizeOf(key('create/a'))).toBe(100_000);
    expect(info!.createdMs).toBeGreaterThan(0);
  });

  test('an existing object is never replaced, not by the same and not by other bytes', async () => {
    await store().create(key('once/a'), bytesOf('first'));
    const before = await store().head(key('once/a'));
    expect(await store().create(key('once/a'), bytesOf('first'))).toBe('exists');
    expect(await store().create(key('once/a'), bytesOf('second'))).toBe('exists');
    expect(await store().head(key('once/a'))).toEqual(before);
    expect(Buffer.from(await store().get(key('once/a'))).toString()).toBe('first');
  });

  test('of many concurrent creates of one name exactly one is told created, and its bytes are there', async () => {
    const contents = Array.from({ length: 12 }, (_, at) => bytesOf(`writer ${at} `.repeat(1000 + at)));
    const second = await reopen();
    const answers = await Promise.all(
      contents.map((bytes, at) => (at % 2 === 0 ? store() : second).create(key('race/a'), bytes)),
    );
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
    const winner = contents[answers.indexOf('created')]!;
    expect(Buffer.from(await store().get(key('race/a'))).equals(winner)).toBe(true);
  });

  test('bytes that do not have the announced checksum are refused and nothing is there', async () => {
    const bytes = bytesOf('these are the bytes');
    const wrong = crc32cBase64(bytesOf('these are other bytes'));
    await expect(store().create(key('wrong/a'), bytes, { crc32c: wrong })).rejects.toMatchObject({
      code: 'object_mismatch',
    });
    expect(await store().head(key('wrong/a'))).toBeUndefined();
    expect(await keysOf(store(), key('wrong/'))).toEqual([]);
    expect(await store().create(key('wrong/a'), bytes, { crc32c: crc32cBase64(bytes) })).toBe('created');
  });

  test('what was created is seen by another client of the same storage', async () => {
    await store().create(key('durable/a'), bytesOf('kept'));
    const other = await reopen();
    expect(Buffer.from(await other.get(key('durable/a'))).toString()).toBe('kept');
    expect(await other.create(key('durable/a'), bytesOf('other'))).toBe('exists');
  });

  test('the caller may reuse its buffer once the create is answered', async () => {
    const buffer = Buffer.from('original');
    await store().create(key('reuse/a'), buffer);
    buffer.fill(0);
    expect(Buffer.from(await store().get(key('reuse/a'))).toString()).toBe('original');
  });

  test('an empty object is an object', async () => {
    const empty = new Uint8Array(0);
    expect(await store().create(key('empty/a'), empty, { crc32c: crc32cBase64(empty) })).toBe('created');
    expect(await store().head(key('empty/a'))).toMatchObject({ size: 0, crc32c: 'AAAAAA==' });
    expect((await store().get(key('empty/a'))).length).toBe(0);
    expect((await streamOf(store(), key('empty/a'))).length).toBe(0);
    expect(await store().create(key('empty/a'), bytesOf('x'))).toBe('exists');
  });

  test('names that could lead elsewhere are refused for every operation', async () => {
    const names = [
      '',
      '/a',
      'a/',
      'a//b',
      '..',
      '../a',
      'a/../b',
      'a/.',
      '.tmp/a',
      'a/.hidden',
      'a\\b',
      'a b',
      'a%2fb',
    ];
    for (const bad of [...names, 'a\0b', 'ä', 'a?b', 'a#b', `${'x'.repeat(256)}`, 'x/'.repeat(600) + 'x']) {
      const refused = { code: 'bad_request' };
      const terms = { expiresMs: Date.now() + 1000, size: 1, crc32c: 'AAAAAA==', sha256: '0'.repeat(64) };
      await expect(store().create(bad, bytesOf('x')), bad).rejects.toMatchObject(refused);
      await expect(store().createFrom(bad, inPieces(bytesOf('x'), 1)), bad).rejects.toMatchObject(refused);
      await expect(store().get(bad), bad).rejects.toMatchObject(refused);
      await expect(store().head(bad), bad).rejects.toMatchObject(refused);
      await expect(store().remove(bad), bad).rejects.toMatchObject(refused);
      await expect(streamOf(store(), bad), bad).rejects.toMatchObject(refused);
      await expect(store().signUpload(bad, terms), bad).rejects.toMatchObject(refused);
      await expect(store().signDownload(bad, terms), bad).rejects.toMatchObject(refused);
    }
    await expect(async () => await keysOf(store(), '../')).rejects.toMatchObject({ code: 'bad_request' });
  });
}

function describeCreateFrom({ store, key }: Api): void {
  test('a stream of pieces becomes one object, and only once', async () => {
    const bytes = randomBytes(3_000_001);
    const terms: StreamTerms = { size: bytes.length, crc32c: crc32cBase64(bytes), sha256: sha256Hex(bytes) };
    expect(await store().createFrom(key('from/a'), inPieces(bytes, 70_001), terms)).toBe('created');
    expect(await store().head(key('from/a'))).toMatchObject({ size: bytes.length, crc32c: crc32cBase64(bytes) });
    expect(await store().createFrom(key('from/a'), inPieces(bytesOf('other'), 2))).toBe('exists');
    expect(Buffer.from(await store().get(key('from/a'))).equals(bytes)).toBe(true);
    expect(await store().createFrom(key('from/empty'), inPieces(bytesOf(''), 1))).toBe('created');
    expect(await store().head(key('from/empty'))).toMatchObject({ size: 0 });
  });

  test('a stream of other bytes than announced leaves nothing behind', async () => {
    const bytes = randomBytes(200_000);
    const right: StreamTerms = { size: bytes.length, crc32c: crc32cBase64(bytes), sha256: sha256Hex(bytes) };
    const wrong: StreamTerms[] = [
      { ...right, size: bytes.length - 1 },
      { ...right, size: bytes.length + 1 },
      { ...right, crc32c: 'AAAAAA==' },
      { ...right, sha256: '0'.repeat(64) },
    ];
    for (const terms of wrong) {
      await expect(store().createFrom(key('from-wrong/a'), inPieces(bytes, 10_000), terms)).rejects.toMatchObject({
        code: 'object_mismatch',
      });
    }
    expect(await store().head(key('from-wrong/a'))).toBeUndefined();
    expect(await keysOf(store(), key('from-wrong/'))).toEqual([]);
  });

  test('a stream that breaks off leaves nothing behind and reports its own cause', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield randomBytes(100_000);
      throw new Error('the sender went away');
    }
    const failure = await store()
      .createFrom(key('broken/a'), broken())
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(failure).toBeInstanceOf(Error);
    expect(`${(failure as Error).message} ${String((failure as Error).cause)}`).toContain('the sender went away');
    expect(await keysOf(store(), key('broken/'))).toEqual([]);
  });
}

function describeReading({ store, key }: Api): void {
  test('a range gives exactly those bytes', async () => {
    const bytes = randomBytes(10_000);
    await store().create(key('range/a'), bytes);
    for (const [offset, length] of [
      [0, 10_000],
      [0, 1],
      [9_999, 1],
      [1234, 4321],
      [5_000, 0],
      [10_000, 0],
    ] as const) {
      const part = await store().get(key('range/a'), { offset, length });
      expect(Buffer.from(part).equals(bytes.subarray(offset, offset + length)), `${offset}+${length}`).toBe(true);
    }
  });

  test('a place for the bytes changes nothing but where they are, and is asked for no more than there are', async () => {
    const bytes = randomBytes(10_000);
    await store().create(key('room/a'), bytes);
    const room = new Uint8Array(16_000).fill(7);
    for (const range of [undefined, { offset: 100, length: 300 }]) {
      const wanted = range === undefined ? bytes : bytes.subarray(100, 400);
      const got = await store().get(key('room/a'), range, (size) => {
        expect(size).toBe(wanted.length);
        return room.subarray(0, size);
      });
      expect(Buffer.from(got).equals(wanted)).toBe(true);
    }
    expect(room.subarray(10_000).every((byte) => byte === 7)).toBe(true);
  });

  test('a range past the end is a mismatch, never fewer bytes', async () => {
    await store().create(key('range/short'), bytesOf('ten bytes!'));
    for (const range of [
      { offset: 5, length: 6 },
      { offset: 10, length: 1 },
      { offset: 1000, length: 5 },
    ]) {
      await expect(store().get(key('range/short'), range)).rejects.toMatchObject({ code: 'object_mismatch' });
    }
  });

  test('what is not there is missing: head says undefined, get and stream say object_missing', async () => {
    expect(await store().head(key('nothing/here'))).toBeUndefined();
    expect(await store().sizeOf(key('nothing/here'))).toBeUndefined();
    await expect(store().get(key('nothing/here'))).rejects.toMatchObject({ code: 'object_missing' });
    await expect(store().get(key('nothing/here'), { offset: 0, length: 1 })).rejects.toMatchObject({
      code: 'object_missing',
    });
    await expect(streamOf(store(), key('nothing/here'))).rejects.toMatchObject({ code: 'object_missing' });
    await store().create(key('folder/a'), bytesOf('x'));
    expect(await store().head(key('folder'))).toBeUndefined();
    await expect(store().get(key('folder'))).rejects.toMatchObject({ code: 'object_missing' });
  });

  test('a large object comes back whole, by get and in pieces', async () => {
    const bytes = randomBytes(9 * 1024 * 1024 + 17);
    expect(await store().create(key('large/a'), bytes, { crc32c: crc32cBase64(bytes) })).toBe('created');
    expect(Buffer.from(await store().get(key('large/a'))).equals(bytes)).toBe(true);
    let pieces = 0;
    let largest = 0;
    const hash = createHash('sha256');
    for await (const piece of store().stream(key('large/a'))) {
      pieces++;
      largest = Math.max(largest, piece.length);
      hash.update(piece);
    }
    expect(hash.digest('hex')).toBe(sha256Hex(bytes));
    expect(pieces).toBeGreaterThan(1);
    expect(largest).toBeLessThanOrEqual(4 * 1024 * 1024);
  });

  test('a stream may be left in the middle', async () => {
    await store().create(key('large/left'), randomBytes(5 * 1024 * 1024));
    for await (const piece of store().stream(key('large/left'))) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect((await store().get(key('large/left'))).length).toBe(5 * 1024 * 1024);
  });
}

function describeListing({ store, key }: Api): void {
  test('lists in byte order of whole keys, whatever folders they form', async () => {
    const tails = ['b', 'a/z', 'a-b', 'a/b/c', 'a.b', 'a0', 'B', 'a/b-c', '_', 'a/b0'];
    const sorted = tails.map((tail) => key(`order/${tail}`)).sort(undefined);
    for (const tail of tails) await store().create(key(`order/${tail}`), bytesOf(tail));
    const found: { key: string; size: number }[] = [];
    for await (const object of store().list(key('order/'))) found.push({ key: object.key, size: object.size });
    expect(found.map((object) => object.key)).toEqual(sorted);
    for (const object of found) expect(object.size).toBe(object.key.length - key('order/').length);
  });

  test('a checksum in a listing is that of the object', async () => {
    await store().create(key('sums/a'), bytesOf('what is listed'));
    for await (const { key: listed, crc32c } of store().list(key('sums/')))
      if (crc32c !== undefined) expect(crc32c).toBe((await store().head(listed))?.crc32c);
  });

  test('a prefix may end anywhere, and what does not match is left out', async () => {
    for (const tail of ['p/ab/1', 'p/ab/2', 'p/abc', 'p/ac', 'p/b']) await store().create(key(tail), bytesOf('x'));
    expect(await keysOf(store(), key('p/ab'))).toEqual([key('p/ab/1'), key('p/ab/2'), key('p/abc')]);
    expect(await keysOf(store(), key('p/ab/'))).toEqual([key('p/ab/1'), key('p/ab/2')]);
    expect(await keysOf(store(), key('p/a'))).toHaveLength(4);
    expect(await keysOf(store(), key('p/abc'))).toEqual([key('p/abc')]);
    expect(await keysOf(store(), key('p/zzz'))).toEqual([]);
    expect(await keysOf(store(), key('no/such/folder/'))).toEqual([]);
  });

  test('nothing of a listing is lost between its pages', async () => {
    const tails = Array.from({ length: 150 }, (_, at) => `pages/${String(at).padStart(4, '0')}`);
    await Promise.all(tails.map((tail) => store().create(key(tail), bytesOf(tail))));
    expect(await keysOf(store(), key('pages/'))).toEqual(tails.map(key));
  });
}

function describeRemoving({ store, key }: Api): void {
  test('removes the generation that was named and no other', async () => {
    await store().create(key('remove/a'), bytesOf('first'));
    const first = await store().head(key('remove/a'));
    await store().remove(key('remove/a'), first!.generation);
    expect(await store().head(key('remove/a'))).toBeUndefined();
    await store().create(key('remove/a'), bytesOf('other'));
    const second = await store().head(key('remove/a'));
    expect(second!.generation).not.toBe(first!.generation);
    await store().remove(key('remove/a'), first!.generation);
    expect(await store().head(key('remove/a'))).toEqual(second);
    await store().remove(key('remove/a'));
    expect(await store().head(key('remove/a'))).toBeUndefined();
    expect(await keysOf(store(), key('remove/'))).toEqual([]);
  });

  test('removing what is not there is no error', async () => {
    await store().remove(key('never/there'));
    await store().remove(key('never/there'), '12345');
  });
}
