/** Restores a snapshot, or parts of it, into a folder. Every piece is verified before it is written. */
import { closeSync, writeSync } from 'node:fs';
import { HoldfastError } from '../../base/errors.ts';
import { type EntryMetadata, type OverwriteRule, SafeWriter } from '../../filesystem/safe-writer.ts';
import { decodeBlob } from '../blob-codec.ts';
import type { BlobIndex } from '../blob-index.ts';
import { BlobReader, isReadDamage } from '../blob-reader.ts';
import { unixPermissions } from '../format/file-mode.ts';
import { parseGoTime } from '../format/go-text.ts';
import type { TreeEntry } from '../list-tree.ts';
import { packKey } from '../object-names.ts';
import { joinRanges } from '../pack-ranges.ts';
import type { OpenRepository, SnapshotWithId, TreeNode } from '../types.ts';
import { type Placement, type PlannedFile, type PlannedPack, planRestore, type RestorePlan } from './plan.ts';

export interface RestoreProgress {
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface RestoreOptions {
  readonly snapshot: SnapshotWithId;
  readonly targetDir: string;
  /** Absolute paths inside the snapshot; a folder stands for all in it. None: everything. */
  readonly include?: readonly string[];
  readonly overwrite?: OverwriteRule;
  /** False: contents only. Modes, owners and times stay as the system makes them (drills; Node's permission model bars the rest). */
  readonly withMetadata?: boolean;
  readonly onProgress?: (progress: RestoreProgress) => void;
  readonly signal?: AbortSignal;
  /** Range requests in flight. */
  readonly concurrency?: number;
}

export interface RestoreProblem {
  readonly path: string;
  readonly reason: string;
}

export interface RestoreResult {
  readonly filesRestored: number;
  readonly bytesRestored: number;
  /** Places that were taken and kept as they were. */
  readonly skipped: readonly string[];
  /** Files and folders that could not be restored intact; a damaged file is not left behind half-written. */
  readonly damaged: readonly RestoreProblem[];
  /** Entries left out on purpose or in part, such as devices and owners. */
  readonly warnings: readonly RestoreProblem[];
}

const OPEN_FILES_MAX = 256;
const CONCURRENCY = 4;

/**
 * @throws HoldfastError cancelled; unsafe_restore when a name or a parent would lead outside of the target; disk_full.
 * Damage does not throw: what is intact is restored, and `damaged` names the rest.
 */
export async function restore(repo: OpenRepository, index: BlobIndex, options: RestoreOptions): Promise<RestoreResult> {
  const reader = new BlobReader(repo, index);
  const plan = await planRestore(reader, index, options.snapshot, options);
  return await new Restoration(repo, reader, plan, options).run();
}

class Restoration {
  readonly #repo: OpenRepository;
  readonly #reader: BlobReader;
  readonly #plan: RestorePlan;
  readonly #options: RestoreOptions;
  readonly #writer: SafeWriter;
  readonly #skipped: string[] = [];
  readonly #damaged: RestoreProblem[];
  readonly #warnings: RestoreProblem[];
  readonly #kept = new Set<PlannedFile>();
  readonly #created = new Set<PlannedFile>();
  /** Open files, least recently written first. */
  readonly #open = new Map<PlannedFile, number>();
  #filesDone = 0;
  #bytesDone = 0;

  constructor(repo: OpenRepository, reader: BlobReader, plan: RestorePlan, options: RestoreOptions) {
    this.#repo = repo;
    this.#reader = reader;
    this.#plan = plan;
    this.#options = options;
    this.#writer = new SafeWriter(options.targetDir, options.overwrite ?? 'refuse');
    this.#damaged = [...plan.damaged];
    this.#warnings = plan.unsupported.map(({ path, node }) => ({
      path,
      reason: `a ${node.type} is not restored`,
    }));
  }

  async run(): Promise<RestoreResult> {
    try {
      for (const { names } of this.#plan.folders) this.#writer.folder(names);
      for (const file of this.#plan.files) this.#begin(file);
      await this.#restorePacks();
      this.#dropDamaged();
      this.#makeLinks();
      for (const folder of this.#plan.folders.toReversed()) {
        this.#writer.finishFolder(this.#writer.pathOf(folder.names), this.#metadataOf(folder.entry.node));
      }
    } catch (error) {
      throw translate(error);
    } finally {
      for (const fd of this.#open.values()) closeSync(fd);
    }
    this.#report();
    return {
      filesRestored: this.#filesDone,
      bytesRestored: this.#bytesDone,
      skipped: this.#skipped,
      damaged: this.#damaged,
      warnings: this.#warnings,
    };
  }

  /** Looks whether the place is free; files without pieces are finished here. */
  #begin(file: PlannedFile): void {
    const node = file.entry.node;
    const place = this.#pathOf(file);
    if (this.#writer.prepare(place, { size: file.size, mtimeSeconds: secondsOf(node.mtime) }) === 'keep') {
      this.#kept.add(file);
      this.#skipped.push(file.entry.path);
    } else if (file.problem === undefined && file.pending === 0) {
      this.#writer.finishFile(this.#writer.create(place), this.#metadataOf(node));
      this.#created.add(file);
      this.#filesDone += 1;
    }
  }

  #pathOf(file: { readonly names: readonly Uint8Array[] }): Buffer {
    this.#writer.folder(file.names.slice(0, -1));
    return this.#writer.pathOf(file.names);
  }

  async #restorePacks(): Promise<void> {
    const packs = this.#plan.packs.values();
    const lanes = Array.from({ length: this.#options.concurrency ?? CONCURRENCY }, async () => {
      for (const pack of packs) await this.#restorePack(pack);
    });
    const results = await Promise.allSettled(lanes);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #restorePack(pack: PlannedPack): Promise<void> {
    const wanted = pack.blobs.filter(({ placements }) => placements.some(({ file }) => this.#isWanted(file)));
    for (const { range, items } of joinRanges(wanted, ({ blob }) => blob)) {
      if (this.#options.signal?.aborted)
        throw new HoldfastError('cancelled', 'The restore was stopped. Nothing in the backup has changed.');
      const bytes = await this.#repo.store.get(packKey(pack.packId), range).catch((error: unknown) => {
        if (isReadDamage(error)) return undefined; // each blob is then tried on its own, and in its other copies
        throw error;
      });
      for (const { blob, placements } of items) {
        const at = blob.offset - range.offset;
        const sealed = bytes?.subarray(at, at + blob.length);
        const plain = (sealed && this.#decode(sealed, blob)) ?? (await this.#readAgain(blob, placements));
        if (plain !== undefined) this.#write(plain, placements);
      }
      this.#report();
    }
  }

  #decode(sealed: Uint8Array, blob: PlannedPack['blobs'][number]['blob']): Buffer | undefined {
    try {
      return decodeBlob(this.#repo.masterKey, sealed, blob);
    } catch (error) {
      if (isReadDamage(error)) return undefined;
      throw error;
    }
  }

  /** A piece whose first reading failed: once more, and from every other pack that holds it. */
  async #readAgain(
    blob: PlannedPack['blobs'][number]['blob'],
    placements: readonly Placement[],
  ): Promise<Buffer | undefined> {
    try {
      return await this.#reader.read(blob.id, 'data');
    } catch (error) {
      if (!isReadDamage(error)) throw error;
      for (const { file } of placements) file.problem ??= `a piece of it is damaged or missing in pack ${blob.packId}`;
      return undefined;
    }
  }

  #isWanted(file: PlannedFile): boolean {
    return file.problem === undefined && !this.#kept.has(file);
  }

  #write(plain: Buffer, placements: readonly Placement[]): void {
    for (const { file, offset } of placements) {
      if (!this.#isWanted(file)) continue;
      const fd = this.#fileOf(file);
      for (let at = 0; at < plain.length; ) at += writeSync(fd, plain, at, plain.length - at, offset + at);
      this.#bytesDone += plain.length;
      file.pending -= 1;
      if (file.pending > 0) continue;
      this.#open.delete(file);
      this.#writer.finishFile(fd, this.#metadataOf(file.entry.node));
      this.#filesDone += 1;
    }
  }

  #fileOf(file: PlannedFile): number {
    const known = this.#open.get(file);
    if (known !== undefined) {
      this.#open.delete(file); // and back in as the youngest
      this.#open.set(file, known);
      return known;
    }
    if (this.#open.size >= OPEN_FILES_MAX) {
      const [oldest, fd] = this.#open.entries().next().value!;
      this.#open.delete(oldest);
      closeSync(fd);
    }
    const place = this.#pathOf(file);
    const fd = this.#created.has(file) ? this.#writer.reopen(place) : this.#writer.create(place);
    this.#created.add(file);
    this.#open.set(file, fd);
    return fd;
  }

  /** A file that misses a piece is removed: half a file under its full name would look restored. */
  #dropDamaged(): void {
    for (const file of this.#plan.files) {
      if (file.problem === undefined || this.#kept.has(file)) continue;
      const fd = this.#open.get(file);
      if (fd !== undefined) closeSync(fd);
      this.#open.delete(file);
      if (this.#created.has(file)) this.#writer.remove(this.#pathOf(file));
      this.#damaged.push({ path: file.entry.path, reason: file.problem });
    }
  }

  #makeLinks(): void {
    for (const { entry, names, first } of this.#plan.hardLinks) {
      if (first.problem !== undefined) {
        this.#damaged.push({ path: entry.path, reason: first.problem });
        continue;
      }
      const place = this.#pathOf({ names });
      if (!this.#isFree(entry, place)) continue;
      this.#writer.hardLink(place, this.#writer.pathOf(first.names));
      this.#filesDone += 1;
    }
    for (const { entry, names } of this.#plan.symlinks) {
      const place = this.#pathOf({ names });
      if (!this.#isFree(entry, place)) continue;
      this.#writer.link(place, entry.node.linkTarget ?? Buffer.alloc(0), this.#metadataOf(entry.node));
    }
  }

  #isFree(entry: TreeEntry, place: Buffer): boolean {
    if (this.#writer.prepare(place, { size: -1, mtimeSeconds: 0 }) === 'write') return true;
    this.#skipped.push(entry.path);
    return false;
  }

  #metadataOf(node: TreeNode): EntryMetadata | undefined {
    return this.#options.withMetadata === false ? undefined : metadataOf(node);
  }

  #report(): void {
    this.#options.onProgress?.({
      filesDone: this.#filesDone,
      filesTotal: this.#plan.files.length + this.#plan.hardLinks.length,
      bytesDone: this.#bytesDone,
      bytesTotal: this.#plan.bytes,
    });
  }
}

function secondsOf(time: string): number {
  return Number(parseGoTime(time) ?? 0n) / 1e9;
}

function metadataOf(node: TreeNode): EntryMetadata {
  return {
    permissions: unixPermissions(node.mode),
    mtimeSeconds: secondsOf(node.mtime),
    atimeSeconds: secondsOf(node.atime),
    ...(process.getuid?.() === 0 ? { owner: { uid: node.uid, gid: node.gid } } : {}),
  };
}

function translate(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HoldfastError(
      'disk_full',
      'The disk of the restore folder is full. The backup is untouched; free some space, or restore to another place.',
      { cause: error },
    );
  }
  return error;
}
