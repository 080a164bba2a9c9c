/**
 * What a prune would do, from the index, the marks of what is needed and the sizes of the stored packs: a decision without
 * any side effect. A few numbers a pack and one byte a blob.
 */
import type { BlobIndex } from '../blob-index.ts';
import { SEAL_OVERHEAD } from '../crypto/seal.ts';
import { damagedRepository } from '../format/damage.ts';

/** How much unneeded data may stay: a share of the needed bytes after the prune in percent, bytes, or any amount. */
export type UnusedLimit = { readonly percent: number } | { readonly bytes: number } | 'unlimited';

export interface PrunePlanOptions {
  readonly maxUnused: UnusedLimit;
  /** Most bytes of packs that are written anew. */
  readonly repackBytesMax?: number;
  /** Data that an old version stored uncompressed is written anew. Listings always are. */
  readonly repackUncompressed?: boolean;
}

export interface PruneStats {
  /** One copy of each needed blob. */
  readonly usedBlobs: number;
  readonly usedBytes: number;
  readonly unusedBlobs: number;
  readonly unusedBytes: number;
  /** Further copies of needed blobs. */
  readonly duplicateBlobs: number;
  readonly duplicateBytes: number;
  readonly keptPacks: number;
  readonly repackedPacks: number;
  readonly repackedBytes: number;
  /** Packs of which nothing is needed, and those that are in no index. */
  readonly removedPacks: number;
  readonly removedBytes: number;
  /** What stays though nothing needs it. */
  readonly unusedBytesAfter: number;
}

export interface PrunePlan {
  readonly stats: PruneStats;
  /** By number in `index.packIds()`: KEEP, REPACK, REMOVE, or VANISHED (listed, not stored, not needed). */
  readonly actions: Uint8Array;
  /** By entry number: 1 for the one copy that counts. */
  readonly chosen: Uint8Array;
  /** Stored, but in no index. */
  readonly unlisted: readonly string[];
}

export const KEEP = 0;
export const REPACK = 1;
export const REMOVE = 2;
export const VANISHED = 3;

const TREES = 1;
const DATA = 2;
const ENTRY_BYTES = 37;
/** The plain length of a compressed blob. */
const COMPRESSED_ENTRY_BYTES = 41;
const TRAILER_BYTES = SEAL_OVERHEAD + 4;
/** Packs below this size are put together, as soon as there are some. */
const SMALL_PACK_BYTES = 1024 * 1024;
const SMALL_PACKS_MIN = 10;

/** Numbers of one pack. */
interface PackSums {
  /** Blobs, list of contents and trailer: what the pack's size must be. */
  readonly bytes: Float64Array;
  /** TREES, DATA or both. */
  readonly types: Uint8Array;
  readonly hasUncompressed: Uint8Array;
  /** Blobs that count, after a copy of each was chosen, and their bytes. */
  readonly used: Uint32Array;
  readonly usedBytes: Float64Array;
  readonly total: Uint32Array;
  readonly blobBytes: Float64Array;
}

/**
 * `used`: by entry number, 1 for the first copy of what is needed (mark-used.ts). `sizes`: stored packs and their bytes.
 * @throws HoldfastError repository_damaged when a needed blob has no copy in a pack that is there and of the right size.
 */
export function planPrune(
  index: BlobIndex,
  used: Uint8Array,
  sizes: ReadonlyMap<string, number>,
  options: PrunePlanOptions,
): PrunePlan {
  const packIds = index.packIds();
  const sums = sumPacks(index, packIds.length);
  const isSound = Uint8Array.from(packIds, (id, pack) => (sizes.get(id) === sums.bytes[pack] ? 1 : 0));
  const chosen = chooseCopies(index, used, isSound, sums);
  for (let entry = 0; entry < index.size; entry += 1) {
    if (chosen[entry] === 0) continue;
    const pack = index.packNumberAt(entry);
    sums.used[pack]! += 1;
    sums.usedBytes[pack]! += index.lengthAt(entry);
  }
  const listed = new Set(packIds);
  const unlisted = [...sizes.keys()].filter((id) => !listed.has(id));
  const counts = countBlobs(index, used, chosen);
  const actions = decide(packIds, sums, sizes, options, counts.usedBytes, counts.unusedBytes + counts.duplicateBytes);
  return { actions, chosen, unlisted, stats: statsOf(packIds, actions, sums, sizes, unlisted, counts) };
}

function sumPacks(index: BlobIndex, packs: number): PackSums {
  const sums: PackSums = {
    bytes: new Float64Array(packs).fill(TRAILER_BYTES),
    types: new Uint8Array(packs),
    hasUncompressed: new Uint8Array(packs),
    used: new Uint32Array(packs),
    usedBytes: new Float64Array(packs),
    total: new Uint32Array(packs),
    blobBytes: new Float64Array(packs),
  };
  for (let entry = 0; entry < index.size; entry += 1) {
    const pack = index.packNumberAt(entry);
    const isCompressed = index.isCompressedAt(entry);
    const length = index.lengthAt(entry);
    sums.bytes[pack]! += length + (isCompressed ? COMPRESSED_ENTRY_BYTES : ENTRY_BYTES);
    sums.blobBytes[pack]! += length;
    sums.types[pack]! |= index.isTreeAt(entry) ? TREES : DATA;
    if (!isCompressed) sums.hasUncompressed[pack] = 1;
    sums.total[pack]! += 1;
  }
  return sums;
}

/**
 * One copy of each needed blob: where there are several, one in a pack that is needed anyhow, or in one that holds nothing
 * but copies (what a prune that was interrupted has written), so that the other packs can go.
 */
function chooseCopies(index: BlobIndex, used: Uint8Array, isSound: Uint8Array, sums: PackSums): Uint8Array {
  const chosen = new Uint8Array(index.size);
  /** By first copy: copies in sound packs that were not passed over yet. */
  const copies = new Uint8Array(index.size);
  const isCandidate = (entry: number, first: number): boolean =>
    used[first] === 1 && isSound[index.packNumberAt(entry)] === 1;
  for (let entry = 0; entry < index.size; entry += 1) {
    const first = index.firstCopy(entry);
    if (isCandidate(entry, first) && copies[first]! < 255) copies[first]! += 1;
  }
  /** Needed blobs that are in this pack alone, and all needed blobs in it. */
  const single = new Uint32Array(sums.total.length);
  const needed = new Uint32Array(sums.total.length);
  for (let entry = 0; entry < index.size; entry += 1) {
    const first = index.firstCopy(entry);
    if (used[entry] === 1 && copies[entry] === 0) throw noCopy(index.blobAt(entry).id);
    if (!isCandidate(entry, first)) continue;
    const pack = index.packNumberAt(entry);
    needed[pack]! += 1;
    if (copies[first] !== 1) continue;
    single[pack]! += 1;
    chosen[entry] = 1;
    copies[first] = 0; // it is decided
  }
  for (let entry = 0; entry < index.size; entry += 1) {
    const first = index.firstCopy(entry);
    if (!isCandidate(entry, first) || copies[first] === 0) continue;
    const pack = index.packNumberAt(entry);
    const isGoodPlace = single[pack]! > 0 || needed[pack] === sums.total[pack];
    if (isGoodPlace || copies[first] === 1) {
      chosen[entry] = 1;
      copies[first] = 0;
      single[pack]! += 1;
    } else copies[first]! -= 1;
  }
  return chosen;
}

function noCopy(id: string): Error {
  return damagedRepository(
    `Data that a snapshot needs (${id.slice(0, 8)}) lies in a pack that is missing or has another size than its index says. Nothing was removed. Run a check, then "repair index".`,
  );
}

type BlobCounts = Pick<
  PruneStats,
  'usedBlobs' | 'usedBytes' | 'unusedBlobs' | 'unusedBytes' | 'duplicateBlobs' | 'duplicateBytes'
>;

function countBlobs(index: BlobIndex, used: Uint8Array, chosen: Uint8Array): BlobCounts {
  const counts = { usedBlobs: 0, usedBytes: 0, unusedBlobs: 0, unusedBytes: 0, duplicateBlobs: 0, duplicateBytes: 0 };
  for (let entry = 0; entry < index.size; entry += 1) {
    const kind = chosen[entry] === 1 ? 'used' : used[index.firstCopy(entry)] === 1 ? 'duplicate' : 'unused';
    counts[`${kind}Blobs`] += 1;
    counts[`${kind}Bytes`] += index.lengthAt(entry);
  }
  return counts;
}

function decide(
  packIds: readonly string[],
  sums: PackSums,
  sizes: ReadonlyMap<string, number>,
  options: PrunePlanOptions,
  usedBytes: number,
  wasteBytes: number,
): Uint8Array {
  const actions = new Uint8Array(packIds.length);
  let candidates: number[] = [];
  const small: number[] = [];
  let waste = wasteBytes;
  const isData = (pack: number): boolean => sums.types[pack] === DATA;
  const mustCompress = (pack: number): boolean =>
    sums.hasUncompressed[pack] === 1 && (sums.types[pack] === TREES || options.repackUncompressed === true);
  const wasteIn = (pack: number): number => sums.blobBytes[pack]! - sums.usedBytes[pack]!;
  const isSmall = (pack: number): boolean => sums.bytes[pack]! < SMALL_PACK_BYTES;
  for (let pack = 0; pack < packIds.length; pack += 1) {
    if (sums.used[pack] === 0) {
      actions[pack] = sizes.has(packIds[pack]!) ? REMOVE : VANISHED;
      waste -= wasteIn(pack);
    } else if (sums.used[pack] !== sums.total[pack] || sums.types[pack] === (TREES | DATA) || mustCompress(pack))
      candidates.push(pack);
    else if (isSmall(pack)) small.push(pack);
  }
  if (small.length >= SMALL_PACKS_MIN) candidates = [...candidates, ...small];
  // Listings first (they are read most), then small packs, then those with the most waste for the bytes that are written.
  const wasteShare = (pack: number): number => wasteIn(pack) / sums.bytes[pack]!;
  candidates.sort(
    (a, b) =>
      Number(isData(a)) - Number(isData(b)) || Number(isSmall(b)) - Number(isSmall(a)) || wasteShare(b) - wasteShare(a),
  );
  const wasteMax = unusedBytesMax(options.maxUnused, usedBytes);
  let repackBytes = 0;
  for (const pack of candidates) {
    const isWanted = !isData(pack) || mustCompress(pack) || isSmall(pack) || waste > wasteMax;
    if (!isWanted || repackBytes + sums.bytes[pack]! > (options.repackBytesMax ?? Number.POSITIVE_INFINITY)) continue;
    actions[pack] = REPACK;
    repackBytes += sums.bytes[pack]!;
    waste -= wasteIn(pack);
  }
  return actions;
}

function unusedBytesMax(limit: UnusedLimit, usedBytes: number): number {
  if (limit === 'unlimited') return Number.POSITIVE_INFINITY;
  if ('bytes' in limit) return limit.bytes;
  // Of the whole after the prune, not of what is needed.
  return limit.percent >= 100 ? Number.POSITIVE_INFINITY : (usedBytes * limit.percent) / (100 - limit.percent);
}

function statsOf(
  packIds: readonly string[],
  actions: Uint8Array,
  sums: PackSums,
  sizes: ReadonlyMap<string, number>,
  unlisted: readonly string[],
  counts: BlobCounts,
): PruneStats {
  const stats = {
    keptPacks: 0,
    repackedPacks: 0,
    repackedBytes: 0,
    removedPacks: unlisted.length,
    removedBytes: unlisted.reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0),
    unusedBytesAfter: 0,
  };
  for (const [pack, id] of packIds.entries()) {
    const size = sizes.get(id) ?? 0;
    if (actions[pack] === KEEP) {
      stats.keptPacks += 1;
      stats.unusedBytesAfter += sums.blobBytes[pack]! - sums.usedBytes[pack]!;
    } else if (actions[pack] === REPACK) {
      stats.repackedPacks += 1;
      stats.repackedBytes += size;
    } else if (actions[pack] === REMOVE) {
      stats.removedPacks += 1;
      stats.removedBytes += size;
    }
  }
  return { ...counts, ...stats };
}
