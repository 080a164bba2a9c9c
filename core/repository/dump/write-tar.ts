import type { BlobReader } from '../blob-reader.ts';
import { unixPermissions } from '../format/file-mode.ts';
import { parseGoTime } from '../format/go-text.ts';
import type { NodeType } from '../types.ts';
import { type ArchiveEntry, archiveEntries, type ArchiveOptions, type ArchiveRoot } from './archive-entries.ts';
import { TAR_END, tarHeader, tarPadding, type TarType } from './tar-header.ts';

const TYPES: Readonly<Partial<Record<NodeType, TarType>>> = {
  file: 'file',
  dir: 'dir',
  symlink: 'symlink',
  dev: 'dev',
  chardev: 'chardev',
  fifo: 'fifo',
};

/**
 * A folder of a snapshot as a tar archive, piece by piece. Every piece of a file is verified before it is given out.
 * @throws HoldfastError cancelled; repository_damaged when the archive cannot go on. It has no end then, and no reader takes
 * it for whole.
 */
export async function* writeTar(
  reader: BlobReader,
  root: ArchiveRoot,
  options: ArchiveOptions,
): AsyncGenerator<Uint8Array> {
  for await (const entry of archiveEntries(reader, root, options)) {
    const type = TYPES[entry.node.type];
    if (type === undefined) {
      options.onLeftOut(entry.path, `a ${entry.node.type} has no place in a tar archive`);
      continue;
    }
    const isLink = entry.sameAs !== undefined;
    yield headerOf(entry, isLink ? 'hardLink' : type);
    if (isLink) continue;
    yield* entry.bytes;
    yield tarPadding(entry.size);
  }
  yield TAR_END;
}

function headerOf({ name, node, size, sameAs }: ArchiveEntry, type: TarType): Buffer {
  return tarHeader({
    name,
    type,
    mode: unixPermissions(node.mode),
    uid: node.uid,
    gid: node.gid,
    user: node.user,
    group: node.group,
    size: type === 'file' ? size : 0,
    mtimeNs: parseGoTime(node.mtime) ?? 0n,
    linkName: sameAs ?? node.linkTarget,
    device: node.device === undefined ? undefined : deviceOf(node.device),
    attributes: node.extendedAttributes,
  });
}

/** Linux packs both numbers into one of 64 bits. */
function deviceOf(device: bigint): { readonly major: number; readonly minor: number } {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffff_ff00n);
  return { major: Number(major), minor: Number(minor) };
}
