/**
 * The worker program for drills with a stand-in for the sandbox child, which does what the name of a restored file says
 * (workers/sandbox/testing/misbehave.ts). Its arguments: after how many milliseconds a child is taken for hung.
 */
import path from 'node:path';
import { loadEnv } from '../../server/env.ts';
import { createServices } from '../../server/services.ts';
import { serveQueues } from '../../workers/serve-queues.ts';

const services = createServices(loadEnv());
const stop = new AbortController();
const childFile = path.join(import.meta.dirname, '../../workers/sandbox/testing/misbehave.ts');
const sandbox = { childFile, wallClockMs: Number(process.argv[2]) };
const lanes = await serveQueues(services, ['drill'], stop.signal, { sandbox });
process.once('SIGTERM', () => {
  stop.abort();
  void lanes
    .close()
    .then(async () => await services.close())
    .then(() => process.exit(0));
});
services.log.info({ sandbox }, 'workers ready');
