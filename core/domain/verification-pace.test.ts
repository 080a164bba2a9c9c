import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { bytesOfRun, DECRYPTING, dueBeforeMs, nextRunMs, READING, type Rotation } from './verification-pace.ts';

interface Piece {
  readonly size: number;
  readonly sealedMs: number;
  readMs: number | undefined;
}

/** A small generator that a seed decides. */
function chance(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const HOUR_MS = 3600_000;

/** Runs a vault through time; returns the longest that a byte went unread, and the longest that a new one waited. */
function simulate(rotation: Rotation, seed: number, lostShare: number): { worstMs: number; worstNewMs: number } {
  const random = chance(seed);
  const pieces: Piece[] = [];
  const grow = (nowMs: number): void => {
    const count = Math.floor(random() * 12);
    for (let at = 0; at < count; at += 1)
      pieces.push({ size: 1 + Math.floor(random() ** 3 * 64e6), sealedMs: nowMs, readMs: undefined });
  };
  for (let at = 0; at < 20; at += 1) grow(0);
  let worstMs = 0;
  let worstNewMs = 0;
  let dueMs = Math.floor(random() * rotation.everyMs);
  let nextBackupMs = 0;
  const endMs = 3 * rotation.periodMs;
  while (dueMs < endMs) {
    for (; nextBackupMs <= dueMs; nextBackupMs += 24 * HOUR_MS) grow(nextBackupMs);
    if (random() >= lostShare) {
      const sum = (some: readonly Piece[]): number => some.reduce((bytes, { size }) => bytes + size, 0);
      const isDue = (piece: Piece): boolean => (piece.readMs ?? piece.sealedMs) < dueBeforeMs(rotation, dueMs);
      const bytes = bytesOfRun(rotation, {
        storedBytes: sum(pieces),
        newBytes: sum(pieces.filter(({ readMs }) => readMs === undefined)),
        dueBytes: sum(pieces.filter((piece) => piece.readMs !== undefined && isDue(piece))),
      });
      let taken = 0;
      for (const piece of pieces.toSorted((a, b) => (a.readMs ?? -1) - (b.readMs ?? -1))) {
        if (taken >= bytes) break;
        taken += piece.size;
        const waitedMs = dueMs - (piece.readMs ?? piece.sealedMs);
        if (piece.readMs === undefined) worstNewMs = Math.max(worstNewMs, waitedMs);
        worstMs = Math.max(worstMs, waitedMs);
        piece.readMs = dueMs;
      }
    }
    dueMs += rotation.everyMs;
  }
  for (const { readMs, sealedMs } of pieces)
    if (sealedMs < endMs - rotation.periodMs) worstMs = Math.max(worstMs, endMs - (readMs ?? sealedMs));
  return { worstMs, worstNewMs };
}

describe.each([
  ['reading', READING],
  ['decrypting', DECRYPTING],
] as const)('the pace of %s', (name, rotation) => {
  test('every byte has its turn within the period, also where a fifth of the runs is lost', () => {
    for (let round = 0; round < 12; round += 1) {
      const seed = randomInt(2 ** 31);
      const { worstMs } = simulate(rotation, seed, 0.2);
      expect(worstMs, `${name}, seed ${seed}`).toBeLessThanOrEqual(rotation.periodMs);
    }
  });
  test('a run reads no more than it must: a large vault is spread over the period', () => {
    const storedBytes = 1e12;
    const runs = rotation.periodMs / rotation.everyMs;
    const bytes = bytesOfRun(rotation, { storedBytes, newBytes: 0, dueBytes: 0 });
    expect(bytes).toBeGreaterThan(storedBytes / runs);
    expect(bytes).toBeLessThan((storedBytes / runs) * 1.3);
  });
});

test('new data is read within a day while the runs take place', () => {
  for (let round = 0; round < 12; round += 1) {
    const seed = randomInt(2 ** 31);
    expect(simulate(READING, seed, 0).worstNewMs, `seed ${seed}`).toBeLessThanOrEqual(24 * HOUR_MS);
  }
});

test('a pause of the whole service is followed by one run, not by a row of them', () => {
  const dueMs = 1_000_000;
  expect(nextRunMs(READING, dueMs, dueMs)).toBe(dueMs + READING.everyMs);
  const afterMs = dueMs + 7.5 * READING.everyMs;
  expect(nextRunMs(READING, dueMs, afterMs)).toBe(dueMs + 8 * READING.everyMs);
});
