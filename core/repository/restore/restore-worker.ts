/** A restore thread: takes tasks, gives outcomes. It has the repository's key and no store. */
import { parentPort, workerData } from 'node:worker_threads';
import { freeBytes } from '../../base/free-bytes.ts';
import type { MasterKey } from '../types.ts';
import { type RestoreTask, runRestoreTask } from './restore-task.ts';

const key = workerData as MasterKey; // the pool that starts this file gives nothing else

parentPort?.on('message', (task: RestoreTask) => {
  parentPort?.postMessage(runRestoreTask(key, task));
  freeBytes(task.bytes);
});
