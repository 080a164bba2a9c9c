/** Chance that can be had again: the same seed gives the same numbers. Not for secrets. */
import { createHash } from 'node:crypto';

export interface SeededRandom {
  /** From 0 to before `below`, whole. */
  readonly below: (below: number) => number;
  readonly pick: <T>(values: readonly T[]) => T;
  readonly chance: (share: number) => boolean;
}

export function seededRandom(seed: string): SeededRandom {
  let state = createHash('sha256').update(seed).digest().readUInt32LE(0);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (below) => Math.floor(next() * below),
    pick: (values) => values[Math.floor(next() * values.length)]!,
    chance: (share) => next() < share,
  };
}

/** A UUID of version 8 (RFC 9562: made in one's own way) from the seed and the name of the thing. */
export function seededId(seed: string, ...name: readonly (string | number)[]): string {
  const bytes = createHash('sha256')
    .update([seed, ...name].join('\n'))
    .digest()
    .subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
