/**
 * A check thread: takes packs, or parts of some, and gives findings, or whether there are any. Its first message is the
 * repository's key; it has no store.
 */
import { parentPort } from 'node:worker_threads';
import { freeBytes } from '../../base/free-bytes.ts';
import { hashesSideBySide } from '../../base/native/many-hashes.ts';
import type { MasterKey } from '../types.ts';
import { type PackTask, runPackTask } from './pack-task.ts';
import { type PartTask, runPartTask } from './part-task.ts';

// What takes long the first time is done before the key is there.
hashesSideBySide();

let key: MasterKey | undefined;

parentPort?.on('message', (message: MasterKey | PackTask | PartTask) => {
  if (key === undefined) {
    key = message as MasterKey; // whoever starts this file gives it before any task
    return;
  }
  const task = message as PackTask | PartTask;
  if ('packId' in task) {
    parentPort?.postMessage(runPackTask(key, task));
    return freeBytes(task.bytes);
  }
  const outcome = runPartTask(key, task);
  parentPort?.postMessage(outcome, [outcome.bytes.buffer as ArrayBuffer]);
});
