/** Where restore tasks run: on threads for a restore of some size, in place for a small one. */
import { Worker } from 'node:worker_threads';
import { ownCopy, type TaskRunner, threadCount, ThreadPool } from '../thread-pool.ts';
import type { MasterKey } from '../types.ts';
import { type RestoreTask, runRestoreTask, type TaskOutcome } from './restore-task.ts';

/** Starting threads takes as long as restoring this much. */
const THREADS_FROM_BYTES = 32 * 1024 * 1024;
const THREADS_FROM_FILES = 4096;
/** What a restore makes is short-lived and mostly outside of the heap: a small nursery keeps the memory small. */
const NURSERY_MIB = 4;

/** Starts its threads when so much is to be done that they are worth it. */
export class RestoreThreads implements TaskRunner<RestoreTask, TaskOutcome> {
  readonly #key: MasterKey;
  #pool: ThreadPool<RestoreTask, TaskOutcome> | undefined;

  constructor(key: MasterKey) {
    this.#key = key;
  }

  /** What is known to be restored. Threads that are started early get ready while the folders are still being read. */
  expect(files: number, bytes: number): void {
    if (this.#pool !== undefined || (bytes < THREADS_FROM_BYTES && files < THREADS_FROM_FILES)) return;
    const count = threadCount();
    if (count < 2) return;
    this.#pool = new ThreadPool(
      count,
      () =>
        new Worker(new URL('./restore-worker.ts', import.meta.url), {
          workerData: ownCopy(this.#key),
          resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MIB },
        }),
    );
  }

  async run(task: RestoreTask): Promise<TaskOutcome> {
    return this.#pool === undefined ? runRestoreTask(this.#key, task) : await this.#pool.run(task);
  }

  async close(): Promise<void> {
    await this.#pool?.close();
  }
}
