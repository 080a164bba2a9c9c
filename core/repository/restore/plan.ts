/**
 * What a restore will do, decided before anything is written: folders, files with the pieces they are made of, links. The
 * pieces are grouped by pack, so that each pack is read once.
 */
import type { BlobIndex } from '../blob-index.ts';
import type { BlobReader } from '../blob-reader.ts';
import { SEAL_OVERHEAD } from '../crypto/seal.ts';
import { type TreeEntry, walkTree } from '../list-tree.ts';
import type { PackedBlob, SnapshotWithId, TreeNode } from '../types.ts';

export interface PlannedFile {
  readonly entry: TreeEntry;
  readonly names: readonly Uint8Array[];
  /** Bytes, the sum of its pieces. */
  readonly size: number;
  /** Pieces that are still to be written. */
  pending: number;
  problem: string | undefined;
}

export interface Placement {
  readonly file: PlannedFile;
  readonly offset: number;
}

export interface PlannedPack {
  readonly packId: string;
  /** In order of their offsets in the pack. */
  readonly blobs: { readonly blob: PackedBlob; readonly placements: Placement[] }[];
}

export interface PlannedEntry {
  readonly entry: TreeEntry;
  readonly names: readonly Uint8Array[];
}

export interface RestorePlan {
  readonly folders: PlannedEntry[];
  readonly files: PlannedFile[];
  readonly symlinks: PlannedEntry[];
  readonly hardLinks: {
    readonly entry: TreeEntry;
    readonly names: readonly Uint8Array[];
    readonly first: PlannedFile;
  }[];
  readonly packs: PlannedPack[];
  /** Entries that no restore writes (devices, pipes, sockets). */
  readonly unsupported: TreeEntry[];
  /** Files whose listing contradicts itself: restored as their pieces say, and named. */
  readonly contradictions: { readonly path: string; readonly reason: string }[];
  /** Folders whose listing is damaged, and entries whose names are unsafe. */
  readonly damaged: { readonly path: string; readonly reason: string }[];
  readonly bytes: number;
}

/** Is the path inside one of the wanted ones, or on the way to one? */
function matcher(include: readonly string[] | undefined): (path: string) => 'inside' | 'above' | 'outside' {
  if (include === undefined || include.length === 0) return () => 'inside';
  const wanted = include.map((path) => `/${path.split('/').filter(Boolean).join('/')}`);
  return (path) => {
    if (wanted.some((want) => want === '/' || path === want || path.startsWith(`${want}/`))) return 'inside';
    return wanted.some((want) => want.startsWith(`${path}/`)) ? 'above' : 'outside';
  };
}

export async function planRestore(
  reader: BlobReader,
  index: BlobIndex,
  snapshot: SnapshotWithId,
  options: { readonly include?: readonly string[]; readonly signal?: AbortSignal },
): Promise<RestorePlan> {
  const plan = new PlanBuilder(index);
  const match = matcher(options.include);
  const walkOptions = {
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onDamage: (path: string, error: Error) => plan.damaged.push({ path, reason: error.message }),
    enter: (entry: TreeEntry) => match(entry.path) !== 'outside',
  };
  for await (const entry of walkTree(reader, snapshot.tree, walkOptions)) {
    const place = match(entry.path);
    if (place === 'outside' || (place === 'above' && entry.node.type !== 'dir')) continue;
    plan.add(entry);
  }
  return plan.finish();
}

class PlanBuilder {
  readonly damaged: RestorePlan['damaged'] = [];
  readonly #contradictions: RestorePlan['contradictions'] = [];
  readonly #index: BlobIndex;
  readonly #folders: PlannedEntry[] = [];
  readonly #files: PlannedFile[] = [];
  readonly #symlinks: PlannedEntry[] = [];
  readonly #hardLinks: RestorePlan['hardLinks'] = [];
  readonly #unsupported: TreeEntry[] = [];
  readonly #firstByInode = new Map<string, PlannedFile>();
  readonly #packs = new Map<string, Map<string, { blob: PackedBlob; placements: Placement[] }>>();
  #bytes = 0;

  constructor(index: BlobIndex) {
    this.#index = index;
  }

  add(entry: TreeEntry): void {
    const names = splitPath(entry.pathBytes);
    switch (entry.node.type) {
      case 'dir':
        this.#folders.push({ entry, names });
        break;
      case 'symlink':
        this.#symlinks.push({ entry, names });
        break;
      case 'file':
        this.#addFile(entry, names, entry.node);
        break;
      default:
        this.#unsupported.push(entry);
    }
  }

  #addFile(entry: TreeEntry, names: readonly Uint8Array[], node: TreeNode): void {
    const inode = (node.links ?? 1n) > 1n && node.inode ? `${node.deviceId ?? 0n}:${node.inode}` : undefined;
    const first = inode === undefined ? undefined : this.#firstByInode.get(inode);
    // The same number with other contents is another file: a number used again while the backup ran, or a lie.
    if (first !== undefined && hasSameContent(first.entry.node, node)) {
      this.#hardLinks.push({ entry, names, first });
      return;
    }
    const file = this.#planFile(entry, names, node.content ?? []);
    if (file.problem === undefined && BigInt(file.size) !== (node.size ?? 0n)) {
      const reason = `its pieces have ${file.size} bytes, its folder listing says ${node.size ?? 0n}`;
      this.#contradictions.push({ path: entry.path, reason });
    }
    if (inode !== undefined) this.#firstByInode.set(inode, file);
    this.#files.push(file);
    this.#bytes += file.size;
  }

  #planFile(entry: TreeEntry, names: readonly Uint8Array[], content: readonly string[]): PlannedFile {
    const blobs: PackedBlob[] = [];
    for (const id of content) {
      const blob = this.#index.lookup(id, 'data');
      if (blob === undefined) {
        return { entry, names, size: 0, pending: 0, problem: `a piece of it is missing from the repository (${id})` };
      }
      blobs.push(blob);
    }
    const sizes = blobs.map(plainLength);
    const size = sizes.reduce((sum, length) => sum + length, 0);
    const file: PlannedFile = { entry, names, size, pending: blobs.length, problem: undefined };
    let offset = 0;
    for (const [at, blob] of blobs.entries()) {
      this.#place(blob, { file, offset });
      offset += sizes[at]!;
    }
    return file;
  }

  #place(blob: PackedBlob, placement: Placement): void {
    let pack = this.#packs.get(blob.packId);
    if (pack === undefined) this.#packs.set(blob.packId, (pack = new Map()));
    const known = pack.get(blob.id);
    if (known === undefined) pack.set(blob.id, { blob, placements: [placement] });
    else known.placements.push(placement);
  }

  finish(): RestorePlan {
    const packs = [...this.#packs].map(([packId, blobs]) => ({
      packId,
      blobs: [...blobs.values()].sort((a, b) => a.blob.offset - b.blob.offset),
    }));
    return {
      folders: this.#folders,
      files: this.#files,
      symlinks: this.#symlinks,
      hardLinks: this.#hardLinks,
      unsupported: this.#unsupported,
      damaged: this.damaged,
      contradictions: this.#contradictions,
      packs,
      bytes: this.#bytes,
    };
  }
}

function hasSameContent(a: TreeNode, b: TreeNode): boolean {
  const [left, right] = [a.content ?? [], b.content ?? []];
  return left.length === right.length && left.every((id, at) => id === right[at]);
}

/** Bytes that a blob has once it is opened: an uncompressed one is its stored length without IV and tag. */
export function plainLength(blob: PackedBlob): number {
  return blob.uncompressedLength === 0 ? blob.length - SEAL_OVERHEAD : blob.uncompressedLength;
}

function splitPath(pathBytes: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = [];
  let start = 1;
  for (let at = 1; at <= pathBytes.length; at += 1) {
    if (at !== pathBytes.length && pathBytes[at] !== 0x2f) continue;
    names.push(pathBytes.subarray(start, at));
    start = at + 1;
  }
  return names;
}
