/**
 * What is made or finished when all files are written. Links come last: nothing is written while one of them could lead
 * elsewhere. Folders get their metadata after that, for one without write permission could not be filled.
 */
import { getHeapStatistics } from 'node:v8';
import type { EntryMetadata } from '../../filesystem/entry-metadata.ts';
import type { WantedEntry } from '../../filesystem/overwrite-rule.ts';
import type { SafeWriter } from '../../filesystem/safe-writer.ts';
import { damagedRepository } from '../format/damage.ts';
import type { TreeEntry } from '../list-tree.ts';
import type { TreeNode } from '../types.ts';
import { secondsOf } from './node-metadata.ts';
import { type PlannedEntry, splitPath } from './plan.ts';
import { refusedBy } from './refused-write.ts';
import { restoreSpecials } from './restore-specials.ts';
import type { RestoreTally } from './restore-tally.ts';
import type { RestoredFile } from './restore-window.ts';

/** The first name of a file that has several. */
export interface FirstName {
  /** Bytes as latin1. */
  readonly place: string;
  /** False: something else has its place and was kept. A link to it would be a file with other contents. */
  readonly isThere: boolean;
  readonly problem: string | undefined;
  /** While it is written, and after that. */
  readonly file?: RestoredFile;
}

export interface LateEntryOptions {
  readonly writer: SafeWriter;
  readonly tally: RestoreTally;
  /** Where an entry goes, by the path of its folder and its name. The folder is made. */
  readonly placeOf: (parentBytes: Uint8Array, name: Uint8Array) => Buffer;
  readonly metadataOf: (node: TreeNode) => EntryMetadata | undefined;
  readonly heldBytesMax?: number | undefined;
}

/** Its bytes are its own: a view would keep its pool alive. */
interface LateEntry {
  readonly path: string;
  readonly pathBytes: Uint8Array;
  readonly metadata: EntryMetadata | undefined;
}

interface LateLink extends LateEntry {
  readonly mtimeSeconds: number;
  /** A further name of a file, or else a symbolic link. */
  readonly first: FirstName | undefined;
  readonly linkTarget: Uint8Array;
}

const SLASH = 0x2f;
/** What is held of an entry beside its path. An estimate, on the large side. */
const HELD_BYTES = 600;
/** The rest is for what is being written. A small listing can name a thousand million folders by naming the same ones again. */
const HEAP_SHARE = 0.5;

export class LateEntries {
  readonly #options: LateEntryOptions;
  readonly #folders: LateEntry[] = [];
  readonly #links: LateLink[] = [];
  readonly #specials: PlannedEntry[] = [];
  #heldBytes = 0;
  readonly #heldBytesMax: number;

  constructor(options: LateEntryOptions) {
    this.#options = options;
    this.#heldBytesMax = options.heldBytesMax ?? getHeapStatistics().heap_size_limit * HEAP_SHARE;
  }

  /** A folder, which is made at once. @throws HoldfastError repository_damaged when too much is held; so do the next two. */
  addFolder({ path, pathBytes, node }: TreeEntry): void {
    const { writer, tally, metadataOf } = this.#options;
    this.#hold(pathBytes);
    this.#folders.push({ path, pathBytes: new Uint8Array(pathBytes), metadata: metadataOf(node) });
    tally.attempt(path, () => writer.folder(splitPath(pathBytes)));
  }

  /** With `first`, a further name of that file. */
  addLink({ path, pathBytes, node }: TreeEntry, first?: FirstName): void {
    this.#hold(pathBytes);
    this.#links.push({
      path,
      pathBytes: new Uint8Array(pathBytes),
      metadata: first === undefined ? this.#options.metadataOf(node) : undefined,
      mtimeSeconds: secondsOf(node.mtime),
      first,
      linkTarget: new Uint8Array(node.linkTarget ?? []),
    });
  }

  /** A device or fifo. */
  addSpecial(entry: TreeEntry): void {
    this.#hold(entry.pathBytes);
    this.#specials.push({ entry, names: splitPath(entry.pathBytes) });
  }

  #hold(pathBytes: Uint8Array): void {
    this.#heldBytes += HELD_BYTES + pathBytes.length * 3;
    if (this.#heldBytes > this.#heldBytesMax)
      throw damagedRepository(
        'The snapshot lists more folders and links than any real one, or than this program has memory for. Restore it in parts by naming the paths that are wanted.',
      );
  }

  /** When all files are written. Returns how many further names of files were made. */
  finish(): number {
    const { writer, tally, metadataOf } = this.#options;
    const names = this.#makeHardLinks();
    for (const link of this.#links) {
      const { first, linkTarget, metadata } = link;
      if (first === undefined) this.#build(link, { linkTarget }, (path) => writer.link(path, linkTarget, metadata));
    }
    restoreSpecials(this.#specials, {
      writer,
      metadataOf,
      isLeft: (path, decision) => tally.isLeft(path, decision),
      onWarning: (path, reason) => tally.warn(path, reason),
    });
    this.#finishFolders();
    return names;
  }

  #makeHardLinks(): number {
    const { writer, tally } = this.#options;
    let made = 0;
    for (const link of this.#links) {
      const { first } = link;
      if (first === undefined) continue;
      const problem = first.problem ?? first.file?.problem;
      if (problem !== undefined) {
        tally.damage(link.path, problem);
        continue;
      }
      const firstName = Buffer.from(first.place, 'latin1');
      const isMade = this.#build(link, { firstName }, (path) => {
        writer.hardLink(path, firstName);
        return undefined;
      });
      if (isMade) made += 1;
    }
    return made;
  }

  /** Makes a link in its place, or beside it and then over what is there; tells whether there is one now. */
  #build(
    { path, pathBytes, mtimeSeconds }: LateLink,
    wanted: Pick<WantedEntry, 'linkTarget' | 'firstName'>,
    make: (target: Buffer) => string | undefined,
  ): boolean {
    const { writer, tally, placeOf } = this.#options;
    let isMade = false;
    tally.attempt(path, () => {
      const place = placeOf(...splitLast(pathBytes));
      const rule = writer.prepare(place, { size: -1, mtimeSeconds, ...wanted });
      if (tally.isLeft(path, rule)) return;
      const target = rule === 'replace' ? writer.temporaryBeside(place) : place;
      tally.warn(path, make(target));
      if (target !== place) writer.moveInto(place, target);
      isMade = true;
    });
    return isMade;
  }

  #finishFolders(): void {
    const { writer, tally } = this.#options;
    const notMade = new Set(tally.damaged.map(({ path }) => path));
    for (const { path, pathBytes, metadata } of this.#folders.toReversed()) {
      const failure = refusedBy(() =>
        tally.warn(path, writer.finishFolder(writer.pathOf(splitPath(pathBytes)), metadata)),
      );
      // A folder that could not be made was named when that was tried.
      if (failure !== undefined && !notMade.has(path)) tally.warn(path, failure);
    }
  }
}

/** The path of the folder, and the name in it. */
function splitLast(pathBytes: Uint8Array): [Uint8Array, Uint8Array] {
  const slash = pathBytes.lastIndexOf(SLASH);
  return [pathBytes.subarray(0, slash), pathBytes.subarray(slash + 1)];
}
