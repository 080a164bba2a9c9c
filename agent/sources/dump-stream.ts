/** A dump on its way into the repository: hashed apart from the chunk pipeline, and whole or not there at all. */
import { createHash } from 'node:crypto';
import { HoldfastError } from '../../core/base/errors.ts';
import type { OpenStream } from '../../core/repository/backup/stream-source.ts';

/** What is known of a dump without looking at its bytes. */
export interface DumpLabel {
  readonly kind: 'postgres' | 'mysql' | 'sqlite' | 'command';
  readonly label: string;
  /** Null for what is no single database: globals, and the output of a command. */
  readonly database: string | null;
  readonly serverVersion: string | null;
  readonly clientVersion: string | null;
}

/** The witness of a dump that was read to its end. */
export interface DumpFacts extends DumpLabel {
  readonly path: string;
  readonly bytes: number;
  /** Lowercase hex of the plain bytes. */
  readonly sha256: string;
}

/** Where the bytes come from. */
export interface Producer {
  readonly output: AsyncIterable<Uint8Array>;
  /** Settles after the output has ended; rejects when it was not the whole. */
  readonly done: Promise<void>;
  stop(): void;
}

/** Looks at the bytes as they pass, and judges at the end. */
export interface DumpCheck {
  /** Resolves when more may come. */
  take(piece: Uint8Array): Promise<void>;
  /** @throws HoldfastError source_unreadable when what passed is not a whole dump. */
  end(): Promise<void>;
  stop(): void;
}

export interface CheckedStream {
  readonly path: string;
  readonly about: DumpLabel;
  readonly producer: Producer;
  readonly check?: DumpCheck;
  readonly onWhole: (facts: DumpFacts) => void;
}

/** The producer's bytes as a stream of the backup; `done` judges exit code, check and emptiness. */
export function checkedStream(stream: CheckedStream): OpenStream {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined); // whoever takes the bytes looks at it
  return { bytes: passing(stream, resolve, reject), done: promise };
}

async function* passing(
  { path, about, producer, check, onWhole }: CheckedStream,
  resolve: () => void,
  reject: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let bytes = 0;
  let isJudged = false;
  try {
    for await (const piece of producer.output) {
      hash.update(piece);
      bytes += piece.length;
      await check?.take(piece);
      yield piece;
    }
    // The program first: when it failed, what the check would say is only a consequence.
    await producer.done;
    if (bytes === 0)
      throw new HoldfastError('source_unreadable', `${path} would be empty: nothing was written for it.`);
    await check?.end();
    onWhole({ ...about, path, bytes, sha256: hash.digest('hex') });
    isJudged = true;
    resolve();
  } catch (error) {
    isJudged = true;
    producer.stop();
    check?.stop();
    reject(error);
  } finally {
    if (!isJudged) {
      producer.stop();
      check?.stop();
      reject(new HoldfastError('cancelled', `Reading ${path} was stopped before it was whole.`));
    }
  }
}

/** Refuses a text that does not end as its program ends it. `ending` is looked for in the last kilobyte. */
export class EndingCheck implements DumpCheck {
  readonly #ending: RegExp;
  readonly #title: string;
  #tail: Buffer = Buffer.alloc(0);

  constructor(title: string, ending: RegExp) {
    this.#title = title;
    this.#ending = ending;
  }

  take(piece: Uint8Array): Promise<void> {
    this.#tail = Buffer.concat([this.#tail, piece.subarray(-1024)]).subarray(-1024);
    return Promise.resolve();
  }

  end(): Promise<void> {
    if (this.#ending.test(this.#tail.toString('latin1'))) return Promise.resolve();
    return Promise.reject(
      new HoldfastError(
        'source_unreadable',
        `${this.#title} is cut off: its last line is missing, although the program reported success. It is not kept.`,
      ),
    );
  }

  stop(): void {
    this.#tail = Buffer.alloc(0);
  }
}

/** One plain segment of a path from a database's name, reversible, and the same in every backup. */
export function fileNameOf(database: string): string {
  // oxlint-disable-next-line no-control-regex
  return database.replaceAll(/[/%\\\u0000-\u001f\u007f]|^\./gu, (letter) => encodeByte(letter));
}

function encodeByte(letter: string): string {
  return `%${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
