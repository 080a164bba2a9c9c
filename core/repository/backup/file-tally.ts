/** What became of the files of a backup, beside the snapshot before. */
import { HoldfastError } from '../../base/errors.ts';
import type { UnreadItem } from '../types.ts';
import type { KnownEntry } from './known-folders.ts';

export class FileTally {
  new = 0;
  changed = 0;
  unmodified = 0;
  /** Bytes of all of them. */
  bytesKept = 0;

  addUnmodified(files: number, bytes: number): void {
    this.unmodified += files;
    this.bytesKept += bytes;
  }

  /** A file of `bytes` bytes with these pieces; `known` is what the snapshot before has in its place. */
  add(known: KnownEntry | undefined, content: readonly string[], bytes: number): void {
    this.bytesKept += bytes;
    if (known?.content === undefined || known.content === null) this.new += 1;
    else if (isSameContent(known.content, content)) this.unmodified += 1;
    else this.changed += 1;
  }

  /** @throws HoldfastError source_unreadable when there were files, and none of them is kept. */
  assertSomethingRead(filesTotal: number, unread: readonly UnreadItem[]): void {
    if (filesTotal === 0 || this.new + this.changed + this.unmodified > 0) return;
    throw new HoldfastError(
      'source_unreadable',
      'Not one of the selected files could be read, so no snapshot was made. Earlier backups are untouched. Check the disk and the rights of the agent.',
      { detail: { unread: unread.slice(0, 10) } },
    );
  }
}

function isSameContent(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, at) => id === b[at]);
}
