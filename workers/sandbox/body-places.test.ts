import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createAnonymousFile } from '../../core/base/native/anonymous-file.ts';
import { copyPlaced, readPlaced } from '../../core/base/placed-bytes.ts';
import { Rooms } from './rooms.ts';
import { BodyPlaces } from './body-places.ts';

const MIB = 1024 * 1024;
const opened = (): BodyPlaces => {
  const places = BodyPlaces.open();
  if (places === undefined) throw new Error('this machine has no files in memory');
  return places;
};

test('what is put is read at its place, by the descriptor that cannot write', async () => {
  const places = opened();
  const bodies = [randomBytes(MIB), randomBytes(17 * MIB), randomBytes(24 * MIB)];
  const at = await Promise.all(bodies.map((body) => places.put(body)));
  expect(new Set(at).size).toBe(3);
  for (const [number, body] of bodies.entries()) {
    const place = { descriptor: places.readOnly, at: at[number]!, length: body.length };
    expect(copyPlaced(place).equals(body)).toBe(true);
    expect(Buffer.from(readPlaced(place)).equals(body)).toBe(true);
  }
  expect(() => writeSync(places.readOnly, 'x', 0)).toThrow('EBADF');
  places.close();
});

test('what is small, too large, or finds no place goes another way; a place that is released is given again', async () => {
  const places = opened();
  expect(await places.put(randomBytes(1000))).toBeUndefined();
  expect(await places.put(Buffer.alloc(24 * MIB + 1))).toBeUndefined();
  const taken: number[] = [];
  for (;;) {
    const at = await places.put(randomBytes(MIB));
    if (at === undefined) break;
    taken.push(at);
  }
  expect(new Set(taken).size).toBe(16);
  places.release(taken[3]!);
  const body = randomBytes(2 * MIB);
  expect(await places.put(body)).toBe(taken[3]);
  expect(copyPlaced({ descriptor: places.readOnly, at: taken[3]!, length: body.length }).equals(body)).toBe(true);
  places.close();
});

test('a child that releases what it was not given breaks the rules', async () => {
  const places = opened();
  const at = (await places.put(randomBytes(MIB)))!;
  expect(() => places.release(at + 1)).toThrow(RangeError);
  places.release(at);
  expect(() => places.release(at)).toThrow(RangeError);
  places.close();
});

test('a file that is closed while it is written to stays open until then', async () => {
  const places = opened();
  const { readOnly } = places;
  const writing = Promise.all([places.put(randomBytes(20 * MIB)), places.put(randomBytes(MIB))]);
  places.close();
  expect(fstatSync(readOnly).isFile()).toBe(true);
  await writing;
  expect(() => fstatSync(readOnly)).toThrow('EBADF');
  expect(await places.put(randomBytes(MIB))).toBeUndefined();
});

test('bytes that are not there are an error, not zeros', () => {
  const file = createAnonymousFile('test')!;
  writeSync(file.descriptor, randomBytes(1000), 0, 1000, 0);
  const place = { descriptor: file.readOnly, at: 500, length: 501 };
  expect(() => copyPlaced(place)).toThrow('not where they were said to be');
  expect(() => readPlaced(place)).toThrow('not where they were said to be');
  file.close();
});

test('an anonymous file outlives its owner for those who have it', () => {
  const file = createAnonymousFile('test')!;
  writeSync(file.descriptor, 'still here', 0);
  const kept = openSync(`/proc/self/fd/${file.readOnly}`, 'r');
  file.close();
  const bytes = Buffer.alloc(10);
  readSync(kept, bytes, 0, 10, 0);
  closeSync(kept);
  expect(bytes.toString()).toBe('still here');
});

test('a room is used again for what fits into it, and by one at a time', () => {
  const rooms = new Rooms();
  const first = rooms.take(17 * MIB - 5);
  const second = rooms.take(17 * MIB - 5);
  expect(first.length).toBe(17 * MIB - 5);
  expect(second.buffer).not.toBe(first.buffer);
  rooms.giveBack(first);
  // What is much smaller leaves it to those who need it.
  expect(rooms.take(2 * MIB).buffer).not.toBe(first.buffer);
  const again = rooms.take(16 * MIB);
  expect(again.buffer).toBe(first.buffer);
  expect(again.length).toBe(16 * MIB);
  expect(rooms.take(16 * MIB).buffer).not.toBe(first.buffer);
});

test('rooms give memory back: what is too much of it, what was not theirs, and all of it at the end', () => {
  const rooms = new Rooms();
  const many = Array.from({ length: 6 }, () => rooms.take(64 * MIB));
  const foreign = new Uint8Array(300_000);
  for (const bytes of [...many, foreign]) rooms.giveBack(bytes);
  expect(foreign.length).toBe(0);
  expect(many.filter(({ buffer }) => buffer.byteLength > 0).length).toBe(5);
  rooms.close();
  expect(many.filter(({ buffer }) => buffer.byteLength > 0).length).toBe(0);
  const late = rooms.take(MIB);
  rooms.giveBack(late);
  expect(late.length).toBe(0);
});
