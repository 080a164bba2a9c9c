/** What is checked of one pack: its place in the listings, and its bytes. */
import type { BytesPlace } from '../../base/placed-bytes.ts';
import type { ReadStore } from '../../storage/port.ts';
import { isReadDamage } from '../blob-reader.ts';
import { LIMITS } from '../format/limits.ts';
import { packHeaderBytes } from '../format/pack-header.ts';
import { packKey } from '../object-names.ts';
import type { TaskRunner } from '../thread-pool.ts';
import type { PackColumns } from '../pack-columns.ts';
import { type PackFinding, type PackOutcome, type PackTask, packTask } from './pack-task.ts';

export interface StoredPack {
  readonly packId: string;
  /** Bytes, as the store lists it. */
  readonly size: number;
  /** What the indexes say of it. */
  readonly columns: PackColumns;
  /** The store that it is read from has compared what it gives with the name. */
  readonly isNamed?: boolean;
  /** Where its bytes lie already. */
  readonly place?: BytesPlace;
}

/** Without reading the pack: is it there, as large as its blobs and their header make it, and without gaps? */
export function checkPackListing(
  packId: string,
  size: number | undefined,
  { offsets, lengths, uncompressedLengths }: PackColumns,
): PackFinding[] {
  const about = { packId, objectKey: packKey(packId) };
  if (size === undefined)
    return [{ ...about, kind: 'pack_missing', message: `A pack with ${lengths.length} pieces is missing.` }];
  const findings: PackFinding[] = [];
  let bytes = 0;
  let hasGap = false;
  for (const [at, length] of lengths.entries()) {
    hasGap ||= offsets[at] !== bytes;
    bytes += length;
  }
  if (hasGap) findings.push({ ...about, kind: 'pack_layout', message: 'The index of a pack has gaps or overlaps.' });
  const expected = bytes + packHeaderBytes(uncompressedLengths);
  if (size !== expected)
    findings.push({
      ...about,
      kind: 'pack_wrong_size',
      message: `A pack has ${size} bytes where its contents need ${expected}: it was cut short, or its index is wrong.`,
    });
  return findings;
}

/**
 * Reads the pack (twice when the first reading does not match: a bad read is not a bad pack) and compares everything.
 * `threads` do the comparing.
 */
export async function checkPackData(
  store: ReadStore,
  threads: TaskRunner<PackTask, PackOutcome>,
  pack: StoredPack,
): Promise<PackFinding[]> {
  const { packId, size, columns } = pack;
  const about = { packId, objectKey: packKey(packId) };
  if (size > LIMITS.checkedPackBytes)
    return [{ ...about, kind: 'pack_not_read', message: `A pack of ${size} bytes is too large to be checked.` }];
  const read = async (): Promise<PackOutcome> =>
    await threads.run({
      ...packTask(packId, pack.place ?? (await store.get(about.objectKey)), columns),
      isNamed: pack.isNamed === true,
    });
  try {
    let outcome = await read();
    if (!outcome.isNamed) outcome = await read();
    if (outcome.isNamed) return [...outcome.findings];
    const message = 'The bytes of a pack are not those that its name stands for.';
    return [{ ...about, kind: 'pack_damaged', message }, ...outcome.findings];
  } catch (error) {
    if (!isReadDamage(error)) throw error;
    return [{ ...about, kind: 'pack_not_read', message: 'A pack vanished or was cut short while it was read.' }];
  }
}
