/** Where a lane works: on a thread, or here, a message at a time. */
import { Worker } from 'node:worker_threads';
import type { FromLane, LaneSetup, ToLane } from './lane-messages.ts';
import { LaneWork } from './lane-work.ts';

export interface LanePort {
  post(message: ToLane): void;
  /** Nothing is heard of it any more. */
  close(): Promise<void>;
}

export interface LaneEars {
  readonly onMessage: (message: FromLane) => void;
  readonly onFailure: (error: unknown) => void;
}

export function openThreadLane(setup: LaneSetup, { onMessage, onFailure }: LaneEars): LanePort {
  const worker = new Worker(new URL('./lane-worker.ts', import.meta.url), {
    workerData: setup,
    // A lane keeps nothing between its jobs: a small young generation costs it nothing and saves tens of megabytes.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  worker.on('error', onFailure);
  worker.on('exit', (code) => onFailure(new Error(`a backup thread ended by itself with code ${code}`)));
  worker.on('message', onMessage);
  return {
    post: (message) => worker.postMessage(message),
    close: async () => void (await worker.terminate()),
  };
}

/** For little work: starting a thread takes a quarter of a second and 25 MiB. */
export function openLaneHere(setup: LaneSetup, { onMessage, onFailure }: LaneEars): LanePort {
  const work = new LaneWork(setup, onMessage);
  let isClosed = false;
  return {
    post: (message) =>
      void setImmediate(() => {
        try {
          if (!isClosed) work.receive(message);
        } catch (error) {
          onFailure(error);
        }
      }),
    async close() {
      isClosed = true;
      work.discard();
    },
  };
}
