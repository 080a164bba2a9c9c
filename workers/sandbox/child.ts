/**
 * The sandbox child: runs one task on one vault and ends. It has no store, no database, no network and no environment: what
 * it needs comes over the pipe (file descriptor 3), and what it makes goes to its scratch folder or to file descriptor 4.
 */
import { createWriteStream } from 'node:fs';
import { Socket } from 'node:net';
import { isHoldfastError, publicMessage } from '../../core/base/errors.ts';
import { createChildStore } from './child-store.ts';
import { encodeFrame, FrameReader } from './frames.ts';
import type { ChildMessage, SandboxProgress, SandboxTask } from './messages.ts';

const PIPE = 3;
const OUTPUT = 4;
/** From the parent, which is trusted: only the sizes of a 32-bit frame bound it. */
const reader = new FrameReader({ headerBytesMax: 2 ** 31, bodyBytesMax: 2 ** 31 });
const PROGRESS_EVERY_MS = 250;

const pipe = new Socket({ fd: PIPE, readable: true, writable: true });
const send = (message: ChildMessage): void => {
  for (const part of encodeFrame(message)) pipe.write(part);
};
const store = createChildStore(send);

let hasTask = false;
pipe.on('data', (piece: Buffer) => {
  for (const frame of reader.push(piece)) {
    if (hasTask) store.answer(frame);
    else {
      hasTask = true;
      void run(frame.header as SandboxTask);
    }
  }
});
// The parent is gone: nobody waits for an answer.
pipe.on('close', () => process.exit(1));
pipe.on('error', () => process.exit(1));

async function run(task: SandboxTask): Promise<void> {
  let message: ChildMessage;
  try {
    message = { type: 'result', value: await perform(task) };
  } catch (error) {
    // The log of the parent gets the cause; its reader gets a sentence.
    console.error(error);
    message = { type: 'error', code: isHoldfastError(error) ? error.code : 'internal', message: publicMessage(error) };
  }
  send(message);
  pipe.end(() => process.exit(0));
}

async function perform(task: SandboxTask): Promise<unknown> {
  const progress = throttled((now) => send({ type: 'progress', ...now }));
  if (task.kind === 'drill') return await (await import('./run-drill-task.ts')).runDrillTask(store, task, progress);
  if (task.kind === 'list') return await (await import('./run-list-task.ts')).runListTask(store, task);
  const output = createWriteStream('', { fd: OUTPUT, autoClose: false });
  const write = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => output.write(bytes, (error) => (error == null ? resolve() : reject(error))));
  return await (await import('./run-download-task.ts')).runDownloadTask(store, task, progress, write);
}

/** Progress is for people: four a second, and each new step at once. */
function throttled(report: (now: SandboxProgress) => void): (now: SandboxProgress) => void {
  let last = Number.NEGATIVE_INFINITY;
  let step: string | undefined;
  return (now) => {
    if (now.step === step && performance.now() - last < PROGRESS_EVERY_MS) return;
    last = performance.now();
    step = now.step;
    report(now);
  };
}
