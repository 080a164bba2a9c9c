/** The worker thread of a backup: see lane-messages.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import type { LaneSetup, ToLane } from './lane-messages.ts';
import { LaneWork } from './lane-work.ts';

const port = parentPort!; // this file runs as a worker thread only
const work = new LaneWork(workerData as LaneSetup, (message) => port.postMessage(message));
port.on('message', (message: ToLane) => work.receive(message));
