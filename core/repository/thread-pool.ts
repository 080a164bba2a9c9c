/** Worker threads that all do one kind of task: each takes the next one when it is done with its own. */
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import type { MasterKey } from './types.ts';

/** What runs tasks: a pool of threads, or this thread itself. */
export interface TaskRunner<Task, Outcome> {
  run(task: Task): Promise<Outcome>;
  close(): Promise<void>;
}

const THREADS_MAX = 4;

/** Threads that a pool would have; 1 when none may be started: Node's permission model forbids it. */
export function threadCount(): number {
  // `process.permission` exists only under the permission model.
  const { permission } = process as { permission?: { has(scope: string): boolean } };
  return permission?.has('worker') === false ? 1 : Math.min(THREADS_MAX, availableParallelism());
}

interface Asked<Task, Outcome> {
  readonly task: Task;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/** `start` makes one thread, which answers each message (a task) with one (its outcome). */
export class ThreadPool<Task extends { readonly bytes: Uint8Array }, Outcome> implements TaskRunner<Task, Outcome> {
  readonly #workers: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #waiting: Asked<Task, Outcome>[] = [];
  readonly #busy = new Map<Worker, Asked<Task, Outcome>>();
  #failure: unknown;

  constructor(count: number, start: () => Worker) {
    for (let number = 0; number < count; number += 1) {
      const worker = start();
      worker.on('message', (outcome: Outcome) => this.#done(worker, outcome));
      worker.on('error', (error) => this.#fail(error));
      this.#workers.push(worker);
      this.#idle.push(worker);
    }
  }

  /** The task's bytes change hands: they are gone here afterwards. */
  run(task: Task): Promise<Outcome> {
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
    // A view into something larger (Node's pool) is copied out of it first.
    const given = asked.task.bytes;
    const isWhole = given.byteLength === given.buffer.byteLength;
    const bytes = new Uint8Array(isWhole ? (given.buffer as ArrayBuffer) : given);
    worker.postMessage({ ...asked.task, bytes }, [bytes.buffer]);
  }

  #done(worker: Worker, outcome: Outcome): void {
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
export function ownCopy(key: MasterKey): MasterKey {
  return { encrypt: new Uint8Array(key.encrypt), macK: new Uint8Array(key.macK), macR: new Uint8Array(key.macR) };
}
