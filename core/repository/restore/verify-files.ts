/** Reads restored files again, piece by piece, and compares them with the hashes that the snapshot names. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { HoldfastError } from '../../base/errors.ts';
import type { BlobIndex } from '../blob-index.ts';
import type { TreeEntry } from '../list-tree.ts';
import { sha256Hex } from '../object-names.ts';
import { HardLinks, plainLength } from './plan.ts';
import type { RestoreProblem, RestoreProgress } from './restore-options.ts';

export interface FileToVerify {
  readonly place: Buffer;
  /** Ids of its pieces, in order, and the bytes of each. */
  readonly content: readonly string[];
  readonly lengths: readonly number[];
}

export interface Verified {
  readonly filesVerified: number;
  readonly problems: readonly RestoreProblem[];
}

/** So much is read before anything else in this process gets its turn, such as Ctrl-C. */
const TURN_BYTES = 16 * 1024 * 1024;
const TURN_FILES = 64;

export interface VerifyOptions {
  readonly index: BlobIndex;
  readonly placeOf: (entry: TreeEntry) => Buffer;
  /** False for what the restore left out or kept though it is something else. */
  readonly isInPlace: (entry: TreeEntry) => boolean;
  /** As the restore counted them, for the progress. */
  readonly filesTotal: number;
  readonly bytesTotal: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RestoreProgress) => void;
}

/**
 * Verifies the files of a walk where they lie; one with several names is read once.
 * @throws HoldfastError cancelled.
 */
export async function verifyRestored(
  runs: AsyncIterable<readonly TreeEntry[]>,
  options: VerifyOptions,
): Promise<Verified> {
  const { index, filesTotal, bytesTotal } = options;
  const problems: RestoreProblem[] = [];
  const links = new HardLinks<true>();
  let [filesDone, bytesDone, nextTurnFiles, nextTurnBytes] = [0, 0, TURN_FILES, TURN_BYTES];
  for await (const run of runs) {
    for (const entry of run) {
      const { node, path } = entry;
      if (node.type !== 'file' || !options.isInPlace(entry) || links.firstOf(node)) continue;
      links.remember(node, true);
      const content = node.content ?? [];
      const lengths = content.map((id) => plainLength(index.lookup(id, 'data')!)); // the restore found them all
      const reason = verifyFile({ place: options.placeOf(entry), content, lengths });
      if (reason !== undefined) problems.push({ path, reason });
      filesDone += 1;
      bytesDone += lengths.reduce((sum, length) => sum + length, 0);
      if (filesDone < nextTurnFiles && bytesDone < nextTurnBytes) continue;
      nextTurnFiles = filesDone + TURN_FILES;
      nextTurnBytes = bytesDone + TURN_BYTES;
      options.onProgress?.({ phase: 'verify', filesDone, filesTotal, bytesDone, bytesTotal });
      await setImmediate();
      if (options.signal?.aborted)
        throw new HoldfastError('cancelled', 'Stopped, as asked. All files were restored, but not all were verified.');
    }
  }
  options.onProgress?.({ phase: 'verify', filesDone, filesTotal, bytesDone, bytesTotal });
  return { filesVerified: filesDone - problems.length, problems };
}

/** What is wrong with one file, in words; undefined when it is what the backup says. */
export function verifyFile({ place, content, lengths }: FileToVerify): string | undefined {
  let fd: number | undefined;
  try {
    // A pipe that took the file's place would wait for a writer.
    fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const expected = lengths.reduce((sum, length) => sum + length, 0);
    const { size } = fstatSync(fd);
    if (size !== expected) return `read again, it has ${size} bytes and not ${expected}`;
    const buffer = Buffer.allocUnsafe(Math.max(0, ...lengths));
    let offset = 0;
    for (const [at, id] of content.entries()) {
      const piece = buffer.subarray(0, lengths[at]);
      for (let done = 0; done < piece.length; ) {
        const read = readSync(fd, piece, done, piece.length - done, offset + done);
        if (read === 0) return 'read again, it ends too early';
        done += read;
      }
      if (sha256Hex(piece) !== id) return `read again, its contents differ from the backup from byte ${offset} on`;
      offset += piece.length;
    }
    return undefined;
  } catch (error) {
    return `it could not be read again (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
