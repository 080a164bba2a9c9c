/**
 * Files of a snapshot that are no files on this machine: what a program writes (a database dump, a pipe) is read as it comes
 * and stored under a path of its own. The folders on the way to it need not exist; one that is backed up as well keeps what
 * it holds.
 */
import { HoldfastError } from '../../base/errors.ts';
import type { EntryFacts, ScannedEntry, ScannedFolder } from '../../filesystem/scan.ts';

export interface OpenStream {
  /** Read once, from the beginning to the end. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Resolves when the producer has said that this was all of it; rejects when it failed, at whatever moment. */
  readonly done: Promise<void>;
}

export interface StreamSource {
  /** Absolute and slash-separated: `/postgres/app.dump`. */
  readonly path: string;
  /** Called when its turn comes, at most once. The signal fires when the backup has ended and nobody reads any more. */
  open(signal: AbortSignal): Promise<OpenStream>;
  /** Without it a stream that ends before its first byte has failed: an empty dump would look like a backup. */
  readonly mayBeEmpty?: boolean;
}

/** The streams as a tree of path parts. Names are strings of their bytes (latin1). */
export interface StreamPart {
  source: StreamSource | undefined;
  readonly below: Map<string, StreamPart>;
}

/** What a program wrote may be anybody's data: only its owner reads what is restored. */
const FILE_MODE = 0o100_600;
const FOLDER_MODE = 0o040_700;

/** @throws HoldfastError bad_request for a path that is not absolute, or is given twice, or lies below another one. */
export function placeStreams(streams: readonly StreamSource[]): StreamPart | undefined {
  if (streams.length === 0) return undefined;
  const root: StreamPart = { source: undefined, below: new Map() };
  for (const source of streams) {
    const names = Buffer.from(source.path, 'utf8').toString('latin1').split('/').slice(1);
    const isPlain = names.every((name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\0'));
    if (!source.path.startsWith('/') || !isPlain) throw badPath(source.path, 'is no absolute path of a file');
    let part = root;
    for (const name of names) {
      if (part.source !== undefined) throw badPath(source.path, 'lies below another stream');
      let next = part.below.get(name);
      if (next === undefined) {
        next = { source: undefined, below: new Map() };
        part.below.set(name, next);
      }
      part = next;
    }
    if (part.source !== undefined || part.below.size > 0) throw badPath(source.path, 'is the place of more than one');
    part.source = source;
  }
  return root;
}

function badPath(path: string, problem: string): HoldfastError {
  return new HoldfastError(
    'bad_request',
    `${path}, where a stream is to be stored, ${problem}. No snapshot was made. Give each stream a place of its own.`,
  );
}

/** Facts of what exists in the snapshot alone. `timeNs` is when its data was true. */
function madeFacts(mode: number, timeNs: bigint): EntryFacts {
  return {
    mode,
    size: 0,
    mtimeNs: timeNs,
    ctimeNs: timeNs,
    inode: 0n,
    device: 0n,
    rawDevice: 0n,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    links: 1,
  };
}

export function madeFolder(path: Buffer, name: Buffer, timeNs: bigint): ScannedFolder {
  const facts = madeFacts(FOLDER_MODE, timeNs);
  // The scan finds nothing in it: no root leads there.
  return { kind: 'folder', name, path, facts, scope: { roots: undefined, isInside: false, device: 0n } };
}

/**
 * The entries of a folder, and those that streams add to it, in ascending order of their names' bytes.
 * @throws HoldfastError bad_request when the source has something of its own in the place of a stream.
 */
export function withStreams(
  entries: readonly (ScannedEntry | ScannedFolder)[],
  folder: ScannedFolder,
  part: StreamPart,
  timeNs: bigint,
): (ScannedEntry | ScannedFolder)[] {
  const all = [...entries];
  const known = new Map(entries.map((entry) => [entry.name.toString('latin1'), entry]));
  for (const [key, { source }] of part.below) {
    const name = Buffer.from(key, 'latin1');
    const path = Buffer.concat([folder.path, Buffer.of(0x2f), name]);
    const there = known.get(key);
    if (there === undefined)
      all.push(
        source === undefined
          ? madeFolder(path, name, timeNs)
          : { kind: 'file', name, path, facts: madeFacts(FILE_MODE, timeNs) },
      );
    else if (source !== undefined || there.kind !== 'folder')
      throw badPath(source?.path ?? path.toString('utf8'), 'is taken by an entry of the source');
  }
  return all.sort((a, b) => Buffer.compare(a.name, b.name));
}
