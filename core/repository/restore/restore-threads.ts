/** Where restore tasks run: on threads for a restore of some size, in place for a small one. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { MasterKey } from '../types.ts';
import { type RestoreTask, runRestoreTask, type TaskOutcome } from './restore-task.ts';

export interface RestoreThreads {
  run(task: RestoreTask): Promise<TaskOutcome>;
  close(): Promise<void>;
}

/** Starting a thread takes as long as restoring this much. */
const THREADS_FROM_BYTES = 32 * 1024 * 1024;
const THREADS_MAX = 4;

/** Decoding and writing `bytes` in all. Node's permission model forbids threads: then, too, the work is done in place. */
export function startRestoreThreads(key: MasterKey, bytes: number): RestoreThreads {
  const count = Math.min(THREADS_MAX, availableParallelism());
  // `process.permission` exists only under the permission model.
  const { permission } = process as { permission?: { has(scope: string): boolean } };
  if (bytes < THREADS_FROM_BYTES || count < 2 || permission?.has('worker') === false)
    return { run: async (task) => runRestoreTask(key, task), close: async () => undefined };
  return new ThreadPool(key, count);
}

interface Asked {
  readonly task: RestoreTask;
  readonly resolve: (outcome: TaskOutcome) => void;
  readonly reject: (error: unknown) => void;
}

class ThreadPool implements RestoreThreads {
  readonly #workers: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #waiting: Asked[] = [];
  readonly #busy = new Map<Worker, Asked>();
  #failure: unknown;

  constructor(key: MasterKey, count: number) {
    for (let number = 0; number < count; number += 1) {
      const worker = new Worker(new URL('./restore-worker.ts', import.meta.url), {
        workerData: copyOf(key),
      });
      worker.on('message', (outcome: TaskOutcome) => this.#done(worker, outcome));
      worker.on('error', (error) => this.#fail(error));
      this.#workers.push(worker);
      this.#idle.push(worker);
    }
  }

  run(task: RestoreTask): Promise<TaskOutcome> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#next();
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #next(): void {
    const worker = this.#waiting.length > 0 ? this.#idle.pop() : undefined;
    const asked = worker && this.#waiting.shift();
    if (worker === undefined || asked === undefined) return;
    this.#busy.set(worker, asked);
    // The bytes change hands; a view into something larger (Node's pool) is copied out of it first.
    const given = asked.task.bytes;
    const isWhole = given.byteLength === given.buffer.byteLength;
    const bytes = new Uint8Array(isWhole ? (given.buffer as ArrayBuffer) : given);
    worker.postMessage({ ...asked.task, bytes }, [bytes.buffer]);
  }

  #done(worker: Worker, outcome: TaskOutcome): void {
    const asked = this.#busy.get(worker);
    this.#busy.delete(worker);
    this.#idle.push(worker);
    asked?.resolve(outcome);
    this.#next();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const { reject } of [...this.#busy.values(), ...this.#waiting.splice(0)]) reject(error);
    this.#busy.clear();
  }
}

/** Parts of their own: a small Buffer is a view into a pool, and the whole pool would cross into the thread. */
function copyOf(key: MasterKey): MasterKey {
  return { encrypt: new Uint8Array(key.encrypt), macK: new Uint8Array(key.macK), macR: new Uint8Array(key.macR) };
}
