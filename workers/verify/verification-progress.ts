import type { VerificationWork } from '../../server/verification/begin-verification.ts';
import { recordVerified } from '../../server/verification/record-progress.ts';
import { type JobContext, throwIfStopped } from '../job-context.ts';
import { ProgressWriter } from '../progress-writer.ts';

/** The device backs up: the check makes way, and what it has read so far is kept. */
export class PausedError extends Error {
  constructor() {
    super('the check waits for a backup to end');
  }
}

/** What a verification has read, on its way into the database; how it ends, early or not, it ends with all of it recorded. */
export class VerificationProgress {
  readonly #context: JobContext;
  readonly #work: VerificationWork;
  readonly #writer = new ProgressWriter(() => this.#record());
  #intact: string[] = [];
  #mustPause = false;
  #objects: number;
  #bytes: number;
  #readTwice: number;

  constructor(context: JobContext, work: VerificationWork) {
    this.#context = context;
    this.#work = work;
    this.#readTwice = work.readTwice;
    this.#objects = work.objectsTotal - work.objects.length;
    this.#bytes = work.bytesTotal - work.objects.reduce((sum, { size }) => sum + size, 0);
  }

  /** @throws HoldfastError cancelled when the worker stops; PausedError when the device backs up. */
  read(bytes: number): void {
    throwIfStopped(this.#context.signal);
    if (this.#mustPause) throw new PausedError();
    this.#bytes += bytes;
    this.#writer.touch();
  }

  /** An object was read to its end. */
  done(intactKey: string | undefined): void {
    this.#objects += 1;
    if (intactKey !== undefined) this.#intact.push(intactKey);
    this.#writer.touch();
  }

  /** An object that was wrong when it was read first is right: no damage, but a sign of failing memory or a bad line. */
  readTwice(): void {
    this.#readTwice += 1;
  }

  /** An object that had to be read besides. */
  alsoIntact(key: string): void {
    this.#intact.push(key);
  }

  /** Runs the reading; whatever ends it, what was read is not read again by the next attempt. */
  async recorded<T>(reading: () => Promise<T>): Promise<T> {
    let result: T;
    try {
      // Before the first byte: a backup may be under way already.
      await this.#record();
      this.read(0);
      result = await reading();
    } catch (error) {
      // Where this fails too, the first error says more.
      await this.#writer
        .settle()
        .then(() => this.#record())
        .catch(() => undefined);
      throw error;
    }
    await this.#writer.settle();
    await this.#record();
    return result;
  }

  async #record(): Promise<void> {
    const { services, claim } = this.#context;
    const keys = this.#intact;
    this.#intact = [];
    const done = { objects: this.#objects, bytes: this.#bytes, readTwice: this.#readTwice };
    const { mustPause } = await recordVerified(services, claim, this.#work, keys, done);
    this.#mustPause ||= mustPause;
  }
}
