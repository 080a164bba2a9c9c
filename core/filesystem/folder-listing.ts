/**
 * What a scan found in a folder: numbers in one array and names as strings of their bytes, some 120 bytes an entry. Objects
 * are made of the entries that somebody asks for, which of an unchanged folder nobody does.
 */
import type { BigIntStats } from 'node:fs';
import { FACT, FACT_WORDS, readFacts, writeFacts, writeStat } from './entry-facts.ts';
import type { EntryFacts, EntryKind, FolderScope, ScannedEntry, ScannedFolder } from './scan.ts';

/** What an entry may have besides its facts; `path` when it is not where its name says. */
type EntryExtra = { readonly scope: FolderScope } | { readonly linkTarget: Buffer } | { readonly path: Buffer };

const SLASH = Buffer.of(0x2f);

export type PlacedEntry = Pick<ScannedEntry, 'kind' | 'path'> & { readonly scope?: FolderScope };

export class FolderListing {
  readonly folder: ScannedFolder;
  /** Ascending in the order of their bytes; each character is a byte (latin1). */
  readonly names: string[] = [];
  /** Targets of the symbolic links, in the order of their names; each character is a byte. */
  readonly linkTargets: string[] = [];
  readonly #kinds: EntryKind[] = [];
  readonly #words: BigInt64Array;
  /** By the place of the entry. */
  readonly #scopes = new Map<number, FolderScope>();
  readonly #targets = new Map<number, Buffer>();
  /** Of files that lie elsewhere. */
  readonly #paths = new Map<number, Buffer>();

  constructor(folder: ScannedFolder, entriesMax: number) {
    this.folder = folder;
    this.#words = new BigInt64Array(entriesMax * FACT_WORDS);
  }

  get length(): number {
    return this.names.length;
  }

  /** FACT_WORDS numbers an entry. */
  get words(): BigInt64Array {
    return this.#words.subarray(0, this.names.length * FACT_WORDS);
  }

  /** Places of the folders among the entries. */
  folders(): Iterable<number> {
    return this.#scopes.keys();
  }

  kind(at: number): EntryKind {
    return this.#kinds[at]!;
  }

  /** Bytes of a file. */
  size(at: number): number {
    return Number(this.#words[at * FACT_WORDS + FACT.size]!);
  }

  name(at: number): Buffer {
    return Buffer.from(this.names[at]!, 'latin1');
  }

  linkTarget(at: number): Buffer | undefined {
    return this.#targets.get(at);
  }

  facts(at: number): EntryFacts {
    return readFacts(this.#words, at);
  }

  path(at: number): Buffer {
    return this.#paths.get(at) ?? Buffer.concat([this.folder.path, SLASH, this.name(at)]);
  }

  /** Bytes of `path`. */
  pathBytes(at: number): number {
    return this.#paths.get(at)?.length ?? this.folder.path.length + 1 + this.names[at]!.length;
  }

  /** Writes `path` and returns the place behind it: for many files, of which each would cost some buffers. */
  writePath(at: number, target: Buffer, offset: number): number {
    const own = this.#paths.get(at);
    if (own !== undefined) return offset + own.copy(target, offset);
    const nameAt = offset + this.folder.path.copy(target, offset);
    target[nameAt] = SLASH[0]!;
    return nameAt + 1 + target.write(this.names[at]!, nameAt + 1, 'latin1');
  }

  /** Whether it was found on a disk: what streams have made is on none. */
  isOnDisk(at: number): boolean {
    const first = at * FACT_WORDS;
    return this.#words[first + FACT.inode] !== 0n || this.#words[first + FACT.device] !== 0n;
  }

  /** Where an entry lies, and how it was come by: less than all of it. */
  placed(at: number): PlacedEntry {
    const scope = this.#scopes.get(at);
    return { kind: this.#kinds[at]!, path: this.path(at), ...(scope === undefined ? {} : { scope }) };
  }

  entry(at: number): ScannedEntry | ScannedFolder {
    const kind = this.#kinds[at]!;
    if (kind === 'folder') return this.subfolder(at);
    const path = this.path(at);
    const name = this.name(at);
    const facts = readFacts(this.#words, at);
    const linkTarget = this.#targets.get(at);
    return { kind, name, path, facts, ...(linkTarget === undefined ? {} : { linkTarget }) };
  }

  /** The folder at a place that `folders` names. */
  subfolder(at: number): ScannedFolder {
    const path = this.path(at);
    const name = path.subarray(this.folder.path.length + 1);
    // Each folder was added with its scope.
    return { kind: 'folder', name, path, facts: readFacts(this.#words, at), scope: this.#scopes.get(at)! };
  }

  add(name: string, kind: EntryKind, stat: BigIntStats, more?: EntryExtra): void {
    writeStat(stat, this.#words, this.names.length);
    this.#note(name, kind, more);
  }

  /** The same with entries of another origin, in ascending order of their names. */
  static of(folder: ScannedFolder, entries: readonly (ScannedEntry | ScannedFolder)[]): FolderListing {
    const listing = new FolderListing(folder, entries.length);
    for (const entry of entries) {
      const { name, kind, facts, path, linkTarget } = entry;
      writeFacts(facts, listing.#words, listing.length);
      const more = 'scope' in entry ? { scope: entry.scope } : linkTarget === undefined ? { path } : { linkTarget };
      listing.#note(name.toString('latin1'), kind, more);
    }
    return listing;
  }

  #note(name: string, kind: EntryKind, more: EntryExtra | undefined): void {
    const at = this.names.length;
    this.names.push(name);
    this.#kinds.push(kind);
    if (more === undefined) return;
    if ('scope' in more) this.#scopes.set(at, more.scope);
    else if ('path' in more) this.#paths.set(at, more.path);
    else {
      this.#targets.set(at, more.linkTarget);
      this.linkTargets.push(more.linkTarget.toString('latin1'));
    }
  }
}
