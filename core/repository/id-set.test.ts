import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { IdSet } from './id-set.ts';

const ID_BYTES = 32;

/** A small generator, so that a failure can be run again. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Many of them want the same few slots, and wrap around the end. */
function crowded(below: (below: number) => number): Uint8Array {
  const id = new Uint8Array(ID_BYTES);
  id[0] = 250 + below(8);
  id[31] = below(40);
  return id;
}

describe('a set of ids', () => {
  test('holds what a Set of their texts holds, through adding, removing and growing', () => {
    const seed = randomInt(2 ** 31);
    const below = generator(seed);
    const ids = new IdSet();
    const texts = new Set<string>();
    for (let step = 0; step < 30_000; step += 1) {
      const id = step % 3 === 0 ? Uint8Array.from({ length: ID_BYTES }, () => below(256)) : crowded(below);
      const text = Buffer.from(id).toString('hex');
      if (below(5) < 3) {
        expect(ids.add(id), `seed ${seed}, step ${step}`).toBe(!texts.has(text));
        texts.add(text);
      } else expect(ids.delete(id), `seed ${seed}, step ${step}`).toBe(texts.delete(text));
      expect(ids.size, `seed ${seed}, step ${step}`).toBe(texts.size);
      const asked = crowded(below);
      expect(ids.has(asked), `seed ${seed}, step ${step}`).toBe(texts.has(Buffer.from(asked).toString('hex')));
    }
    for (const text of texts) expect(ids.has(Buffer.from(text, 'hex')), `seed ${seed}`).toBe(true);
  });

  test('ids that differ in one byte are two, wherever it is', () => {
    const ids = new IdSet();
    const first = new Uint8Array(ID_BYTES);
    ids.add(first);
    for (let byte = 0; byte < ID_BYTES; byte += 1) {
      const other = Uint8Array.from(first);
      other[byte] = 1;
      expect(ids.has(other)).toBe(false);
    }
    expect(ids.has(first)).toBe(true);
  });

  test('an id is found among others, one after another', () => {
    const ids = new IdSet();
    const two = new Uint8Array(2 * ID_BYTES).fill(7, ID_BYTES);
    ids.add(two, ID_BYTES);
    expect(ids.has(two, ID_BYTES)).toBe(true);
    expect(ids.has(two)).toBe(false);
    expect(ids.delete(two, ID_BYTES)).toBe(true);
    expect(ids.size).toBe(0);
  });
});
