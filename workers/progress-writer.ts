/**
 * Writes the newest state of a job at most once a second, one write at a time. A failed write stops the job: it means that
 * the claim was lost or that the database is away.
 */
export class ProgressWriter {
  readonly #write: () => Promise<void>;
  readonly #everyMs: number;
  #lastMs = performance.now();
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(write: () => Promise<void>, everyMs = 1000) {
    this.#write = write;
    this.#everyMs = everyMs;
  }

  /** Says that something has changed. @throws what an earlier write threw. */
  touch(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#writing !== undefined || performance.now() - this.#lastMs < this.#everyMs) return;
    this.#lastMs = performance.now();
    this.#writing = this.#write()
      .catch((error: unknown) => {
        this.#failure = error instanceof Error ? error : new Error('progress could not be written', { cause: error });
      })
      .finally(() => {
        this.#writing = undefined;
      });
  }

  /** Waits for the write in hand. @throws what it threw. */
  async settle(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }
}
