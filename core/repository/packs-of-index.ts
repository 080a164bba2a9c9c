/** What an index says pack by pack; it keeps blob by blob. A few bytes a blob beside the index itself. */
import type { BlobIndex } from './blob-index.ts';
import type { PackColumns } from './pack-columns.ts';
import type { PackedBlob } from './types.ts';

export interface PackContents {
  readonly packId: string;
  /** In ascending order of their offsets. */
  readonly blobs: readonly PackedBlob[];
}

const ID_BYTES = 32;

/** The contents of each pack, one pack after another. */
export function* packsOf(index: BlobIndex): Generator<PackContents> {
  for (const { packId, entries } of packEntries(index, new Set()))
    yield { packId, blobs: Array.from(entries, (entry) => index.blobAt(entry)) };
}

/** As `packsOf`, without an object for each blob; the packs of `first` come before the others. */
export function* packColumnsOf(
  index: BlobIndex,
  first: ReadonlySet<string> = new Set(),
): Generator<{ readonly packId: string; readonly columns: PackColumns }> {
  for (const { packId, entries } of packEntries(index, first)) {
    const ids = new Uint8Array(entries.length * ID_BYTES);
    const isTree = new Uint8Array(entries.length);
    const offsets = new Uint32Array(entries.length);
    const lengths = new Uint32Array(entries.length);
    const uncompressedLengths = new Uint32Array(entries.length);
    for (let at = 0; at < entries.length; at += 1) {
      const entry = entries[at]!;
      index.copyId(entry, ids, at * ID_BYTES);
      isTree[at] = index.isTreeAt(entry) ? 1 : 0;
      offsets[at] = index.offsetAt(entry);
      lengths[at] = index.lengthAt(entry);
      uncompressedLengths[at] = index.uncompressedLengthAt(entry);
    }
    yield { packId, columns: { ids, isTree, offsets, lengths, uncompressedLengths } };
  }
}

/** Entries of each pack by their offsets. */
function* packEntries(
  index: BlobIndex,
  first: ReadonlySet<string>,
): Generator<{ readonly packId: string; readonly entries: Uint32Array }> {
  const packIds = index.packIds();
  const places = Int32Array.from(packIds, (id, pack) => (first.has(id) ? pack - packIds.length : pack));
  const compare = (a: number, b: number): number =>
    places[index.packNumberAt(a)]! - places[index.packNumberAt(b)]! || index.offsetAt(a) - index.offsetAt(b);
  const order = new Uint32Array(index.size);
  let isSorted = true;
  for (let entry = 0; entry < order.length; entry += 1) {
    order[entry] = entry;
    isSorted &&= entry === 0 || compare(entry - 1, entry) <= 0;
  }
  // One writer's index mostly is: it lists one pack after the other.
  if (!isSorted) order.sort(compare);
  for (let start = 0; start < order.length; ) {
    const pack = index.packNumberAt(order[start]!);
    let end = start;
    while (end < order.length && index.packNumberAt(order[end]!) === pack) end += 1;
    yield { packId: packIds[pack]!, entries: order.subarray(start, end) };
    start = end;
  }
}
