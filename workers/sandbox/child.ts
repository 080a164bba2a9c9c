/**
 * The sandbox child: runs one task on one vault and ends. It has no store, no database, no network and no environment: what
 * it needs comes over the pipe (file descriptor 3), and what it makes goes to its scratch folder or to file descriptor 4.
 */
import { createWriteStream } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { isHoldfastError, publicMessage } from '../../core/base/errors.ts';
import { createChildStore } from './child-store.ts';
import { encodeFrame, type Frame, FrameReader } from './frames.ts';
import type { ChildMessage, SandboxProgress, SandboxTask } from './messages.ts';

const PIPE = 3;
const OUTPUT = 4;
/** From the parent, which is trusted: only the sizes of a 32-bit frame bound it. */
const reader = new FrameReader({ headerBytesMax: 2 ** 31, bodyBytesMax: 2 ** 31 });
const PROGRESS_EVERY_MS = 250;

let hasTask = false;
const options: SocketConstructorOpts = {
  fd: PIPE,
  readable: true,
  writable: true,
  // Into the frame itself: most of what this process does without it is to copy packs.
  onread: {
    buffer: () => reader.room(),
    callback: (bytes) => {
      const frame = reader.took(bytes);
      if (frame !== undefined) take(frame);
      return true;
    },
  },
};
const pipe = new Socket(options);
const send = (message: ChildMessage): void => {
  for (const part of encodeFrame(message)) pipe.write(part);
};
const store = createChildStore(send);

// Reading begins with this: there is nobody else who would ask for data.
pipe.resume();
// The parent is gone: nobody waits for an answer.
pipe.on('close', () => process.exit(1));
pipe.on('error', () => process.exit(1));

function take(frame: Frame): void {
  if (hasTask) return store.answer(frame);
  hasTask = true;
  void run(frame.header as SandboxTask);
}

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
  if (task.kind === 'open') return await (await import('./open/run-open-task.ts')).runOpenTask(task, progress);
  if (task.kind === 'boot') return await (await import('./system/run-boot-task.ts')).runBootTask(task, progress);
  if (task.kind === 'script') return await (await import('./system/run-script-task.ts')).runScriptTask(task, progress);
  if (task.kind === 'decrypt') {
    const checked = (keys: string[]): void => send({ type: 'checked', keys });
    return await (await import('./run-decrypt-task.ts')).runDecryptTask(store, task, checked);
  }
  if (task.kind === 'trace') return await (await import('./run-trace-task.ts')).runTraceTask(store, task);
  if (task.kind === 'prove') return await (await import('./run-prove-task.ts')).runProveTask(store, task);
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
