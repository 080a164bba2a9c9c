/** Which byte ranges of a pack to ask for: neighbours are joined, for a request costs more than a small gap. */
import type { ByteRange } from '../storage/port.ts';

const GAP_BYTES_MAX = 1024 * 1024;
const RANGE_BYTES_MAX = 32 * 1024 * 1024;

export interface RangeOf<T> {
  readonly range: ByteRange;
  readonly items: readonly T[];
}

/** `items` in ascending order of their offsets. A range is longer than the bound only where one item is. */
export function joinRanges<T>(
  items: Iterable<T>,
  rangeOf: (item: T) => ByteRange,
  bytesMax: number = RANGE_BYTES_MAX,
): RangeOf<T>[] {
  const joined: { start: number; end: number; items: T[] }[] = [];
  for (const item of items) {
    const { offset, length } = rangeOf(item);
    const last = joined.at(-1);
    const fits = last !== undefined && offset - last.end <= GAP_BYTES_MAX && offset + length - last.start <= bytesMax;
    if (fits) {
      last.end = Math.max(last.end, offset + length);
      last.items.push(item);
    } else joined.push({ start: offset, end: offset + length, items: [item] });
  }
  return joined.map(({ start, end, items: members }) => ({
    range: { offset: start, length: end - start },
    items: members,
  }));
}
