/** A worker whose connection neither works nor ends, on both queue backends (HOLDFAST_TEST_QUEUE). */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createQueue, type JobQueue } from '../server/jobs/queue-backend.ts';
import { startTestPostgres, type TestPostgres } from '../tests/support/start-test-postgres.ts';
import { startTestQueue, type TestQueue } from '../tests/support/test-queue.ts';
import { until } from '../tests/support/until.ts';
import { serveQueues } from './serve-queues.ts';
import { createWorkerServices, removeFolders, type TestServices } from './testing/test-device.ts';

/** Passes bytes on, until what is open is to fall silent; what is opened later works. */
class Relay {
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  constructor(target: URL) {
    this.#server = createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#open.add(from);
        from.on('data', (bytes) => to.write(bytes));
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#open.delete(from);
          to.destroy();
        });
      }
    });
  }

  async listen(url: string): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const through = new URL(url);
    through.hostname = '127.0.0.1';
    through.port = String((this.#server.address() as AddressInfo).port);
    return through.toString();
  }

  silence(): void {
    for (const socket of this.#open) socket.pause();
  }

  /** What is silent ends, and may come again. */
  hangUp(): void {
    for (const socket of this.#open) socket.destroy();
  }

  end(): void {
    this.#server.close();
    this.hangUp();
  }
}

let database: TestPostgres;
let queue: TestQueue;
let services: TestServices;
let relay: Relay;
let producer: JobQueue;
const stop = new AbortController();

beforeEach(async () => {
  database = await startTestPostgres();
  queue = await startTestQueue();
  const made = createWorkerServices({ ...database, redisUrl: queue.redisUrl });
  producer = createQueue(made.env, 'verify');
  const direct = queue.kind === 'redis' ? queue.redisUrl : database.queueUrl;
  relay = new Relay(new URL(direct));
  const through = await relay.listen(direct);
  const env = queue.kind === 'redis' ? { REDIS_URL: through } : { QUEUE_DATABASE_URL: through };
  services = { ...made, env: { ...made.env, ...env } };
});
afterEach(async () => {
  relay.end();
  await producer.close();
  await services.close();
  removeFolders(services);
  await queue.stop();
  await database.stop();
});

test('is told when jobs wait for it; one that takes what comes, and one for which nothing comes, are not', async () => {
  const stuck: string[] = [];
  const onStuck = (name: string): void => void stuck.push(name);
  const lanes = await serveQueues(services, ['verify'], stop.signal, {}, { onStuck, lookMs: 300, stuckMs: 2000 });
  let sent = 0;
  const send = async (): Promise<void> => await producer.addCanary((sent += 1));
  for (let at = 0; at < 8; at += 1) {
    await send();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await new Promise((resolve) => setTimeout(resolve, 3500));
  expect(stuck).toEqual([]);
  relay.silence();
  await send();
  expect(await until('the finding', async () => stuck.at(0))).toBe('verify');
  relay.hangUp(); // else it could not be closed in order
  await lanes.close();
});
