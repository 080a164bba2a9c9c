/** A file's facts as ten 64-bit numbers, in which form they cross from a lane to the backup. */
import type { EntryFacts } from '../../filesystem/scan.ts';
import { FACT_FIELDS } from './lane-messages.ts';

export function writeFacts(facts: EntryFacts, target: BigInt64Array, file: number): void {
  const at = file * FACT_FIELDS;
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

export function readFacts(source: BigInt64Array, file: number): EntryFacts {
  const at = file * FACT_FIELDS;
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
