import type { BlobReader } from '../blob-reader.ts';
import { type WalkedEntry, walkRuns } from '../list-tree.ts';
import type { SnapshotWithId } from '../types.ts';
import { type Selected, type Selection, selectEntries } from './select-entries.ts';

/**
 * What the snapshot holds of the selection, some entries at a time, folders before their contents. Folders above what is
 * selected come with the first entry in them. `onDamage` is told of folders and names that cannot be restored.
 * @throws HoldfastError cancelled.
 */
export async function* selectedRuns(
  reader: BlobReader,
  snapshot: SnapshotWithId,
  options: Selection & { readonly signal?: AbortSignal },
  onDamage: (path: string, error: Error) => void,
): AsyncGenerator<WalkedEntry[]> {
  const select = selectEntries(options);
  let selected: Selected = 'inside';
  let above: WalkedEntry[] = [];
  const walkOptions = {
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onDamage,
    enter: () => selected !== 'outside',
  };
  for await (const run of walkRuns(reader, snapshot.tree, walkOptions)) {
    const wanted: WalkedEntry[] = [];
    for (const entry of run) {
      selected = select(entry.path);
      if (selected === 'outside') continue;
      if (above.length > 0) above = above.filter((folder) => entry.path.startsWith(`${folder.path}/`));
      if (selected === 'inside') wanted.push(...above.splice(0), entry);
      else if (entry.node.type === 'dir') above.push(entry);
    }
    if (wanted.length > 0) yield wanted;
  }
}
