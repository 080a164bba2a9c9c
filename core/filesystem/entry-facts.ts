/**
 * The facts of an entry as 64-bit numbers: so they lie in listings, and cross from a lane to the backup. 64 bits of nanoseconds are
 * the years 1677 to 2262, and file systems hold others: a time takes two of the numbers.
 */
import type { BigIntStats } from 'node:fs';
import type { EntryFacts } from './scan.ts';

/** Numbers of one entry. */
export const FACT_WORDS = 12;
/** Places of those numbers that are looked at without making an object. */
export const FACT = { mode: 0, size: 1, mtimeNs: 2, ctimeNs: 3, inode: 4, device: 5 } as const;
/** Where what is above the lower 64 bits of a time stands. */
const ABOVE = { mtimeNs: 10, ctimeNs: 11 } as const;
const WORD_BITS = 64n;

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
  target[at + 10] = stat.mtimeNs >> WORD_BITS;
  target[at + 11] = stat.ctimeNs >> WORD_BITS;
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
  target[at + 10] = facts.mtimeNs >> WORD_BITS;
  target[at + 11] = facts.ctimeNs >> WORD_BITS;
}

/** A time of an entry, whole. */
export function readTime(source: BigInt64Array, entry: number, which: 'mtimeNs' | 'ctimeNs'): bigint {
  const at = entry * FACT_WORDS;
  return (source[at + ABOVE[which]]! << WORD_BITS) + BigInt.asUintN(64, source[at + FACT[which]]!);
}

/** `size`: another one than stands there. */
export function readFacts(source: BigInt64Array, entry: number, size?: number): EntryFacts {
  const at = entry * FACT_WORDS;
  return {
    mode: Number(source[at]!),
    size: size ?? Number(source[at + 1]!),
    mtimeNs: readTime(source, entry, 'mtimeNs'),
    ctimeNs: readTime(source, entry, 'ctimeNs'),
    // Inodes and devices are unsigned; the array holds their bits.
    inode: BigInt.asUintN(64, source[at + 4]!),
    device: BigInt.asUintN(64, source[at + 5]!),
    rawDevice: BigInt.asUintN(64, source[at + 6]!),
    uid: Number(source[at + 7]!),
    gid: Number(source[at + 8]!),
    links: Number(source[at + 9]!),
  };
}
