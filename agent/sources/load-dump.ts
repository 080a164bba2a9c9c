/** What the ways back into a server have in common. */
import type { Writable } from 'node:stream';
import { type ProgramCall, startProgram } from './run-program.ts';

/** A dump that can be read more than once. */
export interface DumpFile {
  readonly path: string;
  readonly size: number;
  bytes(signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface LoadTerms {
  /** Name of the database that is written. */
  readonly into: string;
  /** Makes the database when there is none. */
  readonly create: boolean;
  /** Replaces a database that holds something. */
  readonly clean: boolean;
  readonly signal?: AbortSignal;
  /** Bytes of the dump that were handed on. */
  readonly onBytes?: (bytes: number) => void;
}

/** A restore has no hour at which it must be over: a large database takes what it takes. */
export const LOAD_TIME_LIMIT_MS = 14 * 24 * 60 * 60_000;

/** Runs a program on the dump. @throws what the program's end or the reading of the dump throws; then it was stopped. */
export async function feedProgram(call: ProgramCall, dump: DumpFile, terms: LoadTerms): Promise<void> {
  const running = startProgram(call);
  const drained = (async () => {
    for await (const _ of running.output);
  })();
  let isOver = false;
  running.done.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  try {
    for await (const piece of dump.bytes(terms.signal)) {
      if (isOver) break;
      terms.onBytes?.(piece.length);
      if (!running.input.write(piece)) await roomOrEnd(running.input, running.done);
    }
    running.input.end();
  } catch (error) {
    // The dump could not be read to its end: the program must not take what it has for all of it.
    running.stop();
    await running.done.catch(() => undefined);
    throw error;
  }
  await drained;
  await running.done;
}

async function roomOrEnd(input: Writable, done: Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    input.once('drain', resolve);
    done.then(resolve, resolve);
  });
}
