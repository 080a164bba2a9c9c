/** Where packs are checked: on threads when there is much to read, in place otherwise. */
import { Worker } from 'node:worker_threads';
import { ownCopy, type TaskRunner, threadCount, ThreadPool } from '../thread-pool.ts';
import type { MasterKey } from '../types.ts';
import { type PackOutcome, type PackTask, runPackTask } from './pack-task.ts';
import type { PartOutcome, PartTask } from './part-task.ts';

/** Starting threads takes as long as checking this much. */
const THREADS_FROM_BYTES = 32 * 1024 * 1024;
/** What a check makes is short-lived: a small nursery keeps the memory small. */
const NURSERY_MIB = 4;

export interface CheckThreads extends TaskRunner<PackTask, PackOutcome> {
  /** Set where there are threads, and this one is free for other things meanwhile. */
  readonly runPart?: (task: PartTask) => Promise<PartOutcome>;
}

/** For reading `bytes` in all. Of a key that is still being derived, threads start meanwhile; whoever derives it sees its failure. */
export function startCheckThreads(key: MasterKey | Promise<MasterKey>, bytes: number): CheckThreads {
  const count = threadCount();
  if (key instanceof Promise) key.catch(() => undefined);
  if (bytes < THREADS_FROM_BYTES || count < 2)
    return { run: async (task) => runPackTask(await key, task), close: async () => undefined };
  const pool = new ThreadPool<PackTask | PartTask, PackOutcome | PartOutcome>(count, () => {
    const worker = new Worker(new URL('./check-worker.ts', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MIB },
    });
    const hand = (known: MasterKey): void => worker.postMessage(ownCopy(known));
    if (key instanceof Promise) void key.then(hand).catch(() => undefined);
    else hand(key);
    return worker;
  });
  // The key is a thread's first message: no task may come before it.
  const given = async <Task extends PackTask | PartTask>(task: Task) => {
    await key;
    return await pool.run(task);
  };
  return {
    // check-worker.ts answers each kind of task with its own kind of outcome.
    run: async (task) => (await given(task)) as PackOutcome,
    runPart: async (task) => (await given(task)) as PartOutcome,
    close: () => pool.close(),
  };
}
