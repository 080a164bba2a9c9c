/** What a restore would do, without doing any of it: nothing is written, and no file contents are read. */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { type OverwriteDecision, overwriteDecision, type WantedEntry } from '../../filesystem/overwrite-rule.ts';
import type { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import type { TreeEntry } from '../list-tree.ts';
import type { OpenRepository } from '../types.ts';
import { secondsOf } from './node-metadata.ts';
import { HardLinks, piecesOf, splitPath } from './plan.ts';
import { specialTypeOf } from './restore-specials.ts';
import type { RestoreOptions, RestoreProblem } from './restore-options.ts';
import { selectedRuns } from './selected-runs.ts';

export interface PreviewedEntry {
  readonly path: string;
  readonly action: OverwriteDecision;
  /** Bytes that would be written. */
  readonly bytes: number;
}

export interface RestorePreview {
  /** In the order of their paths. */
  readonly entries: readonly PreviewedEntry[];
  /** Files that would be written, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  readonly unchanged: number;
  readonly skipped: readonly string[];
  /** What could not be restored, as far as the indexes and listings tell. */
  readonly damaged: readonly RestoreProblem[];
  readonly warnings: readonly RestoreProblem[];
}

type PreviewOptions = Pick<
  RestoreOptions,
  'snapshot' | 'targetDir' | 'overwrite' | 'include' | 'includePatterns' | 'exclude' | 'signal'
>;

/** @throws HoldfastError cancelled. */
export async function previewRestore(
  repo: OpenRepository,
  index: BlobIndex,
  options: PreviewOptions,
): Promise<RestorePreview> {
  const preview = new Preview(index, options);
  const runs = selectedRuns(new BlobReader(repo, index), options.snapshot, options, (path, error) =>
    preview.damaged.push({ path, reason: error.message }),
  );
  for await (const run of runs) for (const entry of run) preview.add(entry);
  return preview.result();
}

class Preview {
  readonly damaged: RestoreProblem[] = [];
  readonly #index: BlobIndex;
  readonly #options: PreviewOptions;
  readonly #root: Buffer;
  readonly #entries: PreviewedEntry[] = [];
  readonly #contradictions: RestoreProblem[] = [];
  readonly #unsupported: RestoreProblem[] = [];
  readonly #hardLinks = new HardLinks<{ readonly place: Buffer; readonly problem: string | undefined }>();
  /** Whether a place is a real folder, free, or taken by something else. */
  readonly #folders = new Map<string, 'real' | 'free' | 'taken'>();
  #files = 0;
  /** Files and links that are there already. */
  #unchanged = 0;

  constructor(index: BlobIndex, options: PreviewOptions) {
    this.#index = index;
    this.#options = options;
    this.#root = Buffer.from(path.resolve(options.targetDir));
  }

  add(entry: TreeEntry): void {
    const { node } = entry;
    switch (node.type) {
      case 'dir':
        this.#addFolder(entry);
        break;
      case 'symlink':
        this.#look(entry, { size: -1, linkTarget: node.linkTarget ?? Buffer.alloc(0) }, 0);
        break;
      case 'file':
        this.#addFile(entry);
        break;
      case 'dev':
      case 'chardev':
      case 'fifo':
        this.#look(entry, { size: -1, special: { type: specialTypeOf(node.type) ?? 0, device: node.device ?? 0n } }, 0);
        break;
      default:
        this.#unsupported.push({ path: entry.path, reason: `a ${node.type} is not restored` });
    }
  }

  #addFolder({ path: shown, pathBytes }: TreeEntry): void {
    const state = this.#folderState(splitPath(pathBytes));
    if (state === 'taken') this.damaged.push({ path: shown, reason: 'a link or a file stands in its place' });
    else this.#entries.push({ path: shown, action: state === 'real' ? 'same' : 'write', bytes: 0 });
  }

  #addFile(entry: TreeEntry): void {
    const { node, path: shown } = entry;
    const first = this.#hardLinks.firstOf(node);
    const { size, problem, contradiction } = piecesOf(this.#index, node);
    if (first === undefined) {
      this.#hardLinks.remember(node, { place: this.#placeOf(splitPath(entry.pathBytes)), problem });
      if (contradiction !== undefined) this.#contradictions.push({ path: shown, reason: contradiction });
    }
    if (problem !== undefined) this.damaged.push({ path: shown, reason: problem });
    else if (first !== undefined) this.#look(entry, { size: -1, firstName: first.place }, 0);
    else this.#look(entry, { size }, size);
  }

  result(): RestorePreview {
    const entries = this.#entries.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
    return {
      entries,
      files: this.#files,
      bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
      unchanged: this.#unchanged,
      skipped: entries.filter(({ action }) => action === 'keep').map(({ path: shown }) => shown),
      damaged: this.damaged,
      warnings: [...this.#contradictions, ...this.#unsupported],
    };
  }

  #look(entry: TreeEntry, wanted: Omit<WantedEntry, 'mtimeSeconds'>, bytes: number): void {
    const { path: shown, pathBytes, node } = entry;
    const names = splitPath(pathBytes);
    const parent = this.#folderState(names.slice(0, -1));
    if (parent === 'taken') {
      this.damaged.push({ path: shown, reason: 'a link or a file stands in the place of its folder' });
      return;
    }
    const mtimeSeconds = secondsOf(node.mtime);
    const rule = this.#options.overwrite ?? 'refuse';
    const action =
      parent === 'free' ? 'write' : overwriteDecision(rule, this.#placeOf(names), { ...wanted, mtimeSeconds });
    const isWritten = action === 'write' || action === 'replace';
    if (node.type === 'file' && isWritten) this.#files += 1;
    if (action === 'same' || action === 'newer') this.#unchanged += 1;
    this.#entries.push({ path: shown, action, bytes: isWritten ? bytes : 0 });
  }

  #placeOf(names: readonly Uint8Array[]): Buffer {
    return Buffer.concat([this.#root, ...names.flatMap((name) => [Buffer.from('/'), name])]);
  }

  #folderState(names: readonly Uint8Array[]): 'real' | 'free' | 'taken' {
    const place = this.#placeOf(names);
    const id = place.toString('latin1');
    const known = this.#folders.get(id);
    if (known !== undefined) return known;
    const parent = names.length === 0 ? 'real' : this.#folderState(names.slice(0, -1));
    let state = parent;
    if (parent === 'real') {
      const found = lstatSync(place, { throwIfNoEntry: false });
      // The target itself may be reached through a link: whoever gave it chose it.
      const isReal = found?.isDirectory() === true || (names.length === 0 && found?.isSymbolicLink() === true);
      state = found === undefined ? 'free' : isReal ? 'real' : 'taken';
    }
    this.#folders.set(id, state);
    return state;
  }
}
