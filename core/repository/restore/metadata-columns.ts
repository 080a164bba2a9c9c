/** Metadata of many files as numbers side by side, for a task that crosses into a thread: objects would be copied one by one. */
import type { EntryMetadata } from '../../filesystem/entry-metadata.ts';

const FIELDS = 8;
/** Nanoseconds of some centuries do not fit 64 bits: they are kept as seconds and the rest. */
const SECOND = 1_000_000_000n;

type Rest = Omit<EntryMetadata, 'permissions' | 'mtimeNs' | 'atimeNs' | 'owner'>;

export interface MetadataColumns {
  /** 1 where there is metadata at all, permissions, owner and group, and the two times. */
  readonly numbers: Float64Array;
  /** What few files have and is no number. */
  readonly rest: ReadonlyMap<number, Rest>;
}

export function metadataColumns(all: readonly (EntryMetadata | undefined)[]): MetadataColumns {
  const numbers = new Float64Array(all.length * FIELDS);
  const rest = new Map<number, Rest>();
  for (const [number, metadata] of all.entries()) {
    if (metadata === undefined) continue;
    const { permissions, mtimeNs, atimeNs, owner, ...others } = metadata;
    const at = number * FIELDS;
    numbers[at] = 1;
    numbers[at + 1] = permissions;
    numbers[at + 2] = owner.uid;
    numbers[at + 3] = owner.gid;
    numbers[at + 4] = Number(mtimeNs / SECOND);
    numbers[at + 5] = Number(mtimeNs % SECOND);
    numbers[at + 6] = Number(atimeNs / SECOND);
    numbers[at + 7] = Number(atimeNs % SECOND);
    if (Object.keys(others).length > 0) rest.set(number, others);
  }
  return { numbers, rest };
}

export function metadataAt({ numbers, rest }: MetadataColumns, number: number): EntryMetadata | undefined {
  const at = number * FIELDS;
  if (numbers[at] !== 1) return undefined;
  return {
    permissions: numbers[at + 1]!,
    owner: { uid: numbers[at + 2]!, gid: numbers[at + 3]! },
    mtimeNs: BigInt(numbers[at + 4]!) * SECOND + BigInt(numbers[at + 5]!),
    atimeNs: BigInt(numbers[at + 6]!) * SECOND + BigInt(numbers[at + 7]!),
    ...rest.get(number),
  };
}
