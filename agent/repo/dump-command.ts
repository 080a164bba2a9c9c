import path from 'node:path';
import { systemClock } from '../../core/base/clock.ts';
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import { BlobReader } from '../../core/repository/blob-reader.ts';
import type { ArchiveOptions } from '../../core/repository/dump/archive-entries.ts';
import { readContent } from '../../core/repository/dump/read-content.ts';
import { writeTar } from '../../core/repository/dump/write-tar.ts';
import { writeZip } from '../../core/repository/dump/write-zip.ts';
import { findPlace } from '../../core/repository/find/find-snapshot.ts';
import type { TreeEntry } from '../../core/repository/list-tree.ts';
import { EXIT } from '../command-io.ts';
import { type ByteOutput, openByteOutput } from './byte-output.ts';
import { openForReading, openSnapshot } from './open-snapshot.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { bytesText, countText, printable, progressTeller } from './say.ts';

export async function dumpCommand(args: RepoArguments, given: RepoIo): Promise<number> {
  // The standard output is for the data: what is said goes to the standard error, unless the data goes to a file.
  const io: RepoIo = args.target === undefined ? { ...given, out: given.err } : given;
  const [reference = 'latest', place = '/'] = args.positionals;
  const opened = await openForReading(args, io);
  const snapshot = await openSnapshot(opened, args, io, reference);
  const found = await findPlace(opened.reader, snapshot.tree, place);
  if (found !== undefined && found.node.type !== 'file' && found.node.subtree === undefined)
    throw new HoldfastError(
      'bad_request',
      `${found.path} is a ${found.node.type}: there are no contents to write. Name a file, or the folder that it lies in.`,
    );
  // What lies side by side in a folder lies side by side in its packs.
  const reader = new BlobReader(opened.repo, opened.index, { readsDataAhead: true });
  const dump = new Dump(reader, args, io);
  const output = await openByteOutput(args.target === undefined ? undefined : path.resolve(args.target));
  let isWhole = false;
  try {
    if (found?.node.type === 'file') await dump.file(found, output);
    else await dump.folder(found, snapshot.tree, output);
    isWhole = true;
  } finally {
    await output.close(isWhole);
  }
  return dump.tell(snapshot.id, output.bytesWritten);
}

class Dump {
  readonly #reader: BlobReader;
  readonly #args: RepoArguments;
  readonly #io: RepoIo;
  readonly #progress: ReturnType<typeof progressTeller>;
  #files = 0;
  #damaged = 0;
  #leftOut = 0;

  constructor(reader: BlobReader, args: RepoArguments, io: RepoIo) {
    this.#reader = reader;
    this.#args = args;
    this.#io = io;
    // On a terminal that shows the data itself, a line of progress would stand in its middle.
    this.#progress = progressTeller(io, args.isJson, systemClock.nowMs);
  }

  /** @throws HoldfastError repository_damaged with the path, when not all of it can be read. */
  async file({ path: shown, node }: TreeEntry, output: ByteOutput): Promise<void> {
    try {
      for await (const piece of readContent(this.#reader, node.content ?? [], this.#io.signal)) {
        await output.write(piece);
        this.#tellProgress(output);
      }
    } catch (error) {
      if (!isHoldfastError(error, 'repository_damaged')) throw error;
      const rest =
        this.#args.target === undefined ? 'What came out before is not the whole file.' : 'Nothing was kept.';
      throw new HoldfastError('repository_damaged', `${shown}: ${error.message} ${rest}`, { cause: error });
    }
    this.#files = 1;
  }

  async folder(folder: TreeEntry | undefined, rootId: string, output: ByteOutput): Promise<void> {
    const root = { treeId: folder?.node.subtree ?? rootId, ...(folder === undefined ? {} : { folder }) };
    const options: ArchiveOptions = {
      signal: this.#io.signal,
      onDamage: (place, reason) => {
        this.#damaged += 1;
        this.#tellEntry('damaged', place, reason);
      },
      onLeftOut: (place, reason) => {
        this.#leftOut += 1;
        this.#tellEntry('left_out', place, reason);
      },
      onEntry: () => {
        this.#files += 1;
        this.#tellProgress(output);
      },
    };
    const write = this.#args.archive === 'zip' ? writeZip : writeTar;
    for await (const bytes of write(this.#reader, root, options)) await output.write(bytes);
  }

  tell(snapshotId: string, bytes: number): number {
    const isWhole = this.#damaged + this.#leftOut === 0;
    const counts = { files: this.#files, bytes, damaged: this.#damaged, leftOut: this.#leftOut };
    if (this.#args.isJson)
      this.#io.out(
        JSON.stringify({
          type: 'summary',
          command: 'dump',
          snapshotId,
          outcome: isWhole ? 'complete' : 'partial',
          ...counts,
        }),
      );
    else if (this.#args.target !== undefined)
      this.#io.out(`Wrote ${bytesText(bytes)} with ${countText(this.#files, 'file')} to ${this.#args.target}.`);
    if (!isWhole && !this.#args.isJson)
      this.#io.err(`${countText(this.#damaged + this.#leftOut, 'entry', 'entries')} left out: see above.`);
    return isWhole ? EXIT.done : EXIT.partial;
  }

  #tellEntry(type: 'damaged' | 'left_out', place: string, reason: string): void {
    if (this.#args.isJson) this.#io.out(JSON.stringify({ type, path: place, reason }));
    else this.#io.err(`Left out: ${printable(place)}: ${reason}`);
  }

  #tellProgress({ bytesWritten }: ByteOutput): void {
    this.#progress(
      () => ({ command: 'dump', filesDone: this.#files, bytesDone: bytesWritten }),
      () => `${countText(this.#files, 'file')}, ${bytesText(bytesWritten)}`,
    );
  }
}
