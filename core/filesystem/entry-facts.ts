/** The facts of an entry as ten 64-bit numbers: so they lie in listings, and cross from a lane to the backup. */
import type { BigIntStats } from 'node:fs';
import type { EntryFacts } from './scan.ts';

/** Numbers of one entry. */
export const FACT_WORDS = 10;
/** Places of those numbers that are looked at without making an object. */
export const FACT = { mode: 0, size: 1, mtimeNs: 2, ctimeNs: 3, inode: 4, device: 5 } as const;

/** Straight from the system's answer: an entry of an unchanged folder never becomes an object. */
export function writeStat(stat: BigIntStats, target: BigInt64Array, entry: number): void {
  const at = entry * FACT_WORDS;
  target[at] = stat.mode;
  target[at + 1] = stat.size;
  target[at + 2] = stat.mtimeNs;
  target[at + 3] = stat.ctimeNs;
  target[at + 4] = stat.ino;
  target[at + 5] = stat.dev;
  target[at + 6] = stat.rdev;
  target[at + 7] = stat.uid;
  target[at + 8] = stat.gid;
  target[at + 9] = stat.nlink;
}

export function writeFacts(facts: EntryFacts, target: BigInt64Array, entry: number): void {
  const at = entry * FACT_WORDS;
  target[at] = BigInt(facts.mode);
  target[at + 1] = BigInt(facts.size);
  target[at + 2] = facts.mtimeNs;
  target[at + 3] = facts.ctimeNs;
  target[at + 4] = facts.inode;
  target[at + 5] = facts.device;
  target[at + 6] = facts.rawDevice;
  target[at + 7] = BigInt(facts.uid);
  target[at + 8] = BigInt(facts.gid);
  target[at + 9] = BigInt(facts.links);
}

export function readFacts(source: BigInt64Array, entry: number): EntryFacts {
  const at = entry * FACT_WORDS;
  return {
    mode: Number(source[at]!),
    size: Number(source[at + 1]!),
    mtimeNs: source[at + 2]!,
    ctimeNs: source[at + 3]!,
    // Inodes and devices are unsigned; the array holds their bits.
    inode: BigInt.asUintN(64, source[at + 4]!),
    device: BigInt.asUintN(64, source[at + 5]!),
    rawDevice: BigInt.asUintN(64, source[at + 6]!),
    uid: Number(source[at + 7]!),
    gid: Number(source[at + 8]!),
    links: Number(source[at + 9]!),
  };
}
