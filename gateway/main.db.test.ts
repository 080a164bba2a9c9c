/** The gateway as its own process: how it starts, what it says when it cannot, and that it ends in order. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startTestPostgres, type TestPostgres } from '../tests/support/start-test-postgres.ts';

let database: TestPostgres;
let folder: string;
let child: ChildProcess | undefined;
beforeAll(async () => {
  database = await startTestPostgres();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-gateway-main-'));
  await writeFile(join(folder, 'root.key'), randomBytes(32).toString('base64'), { mode: 0o600 });
});
afterAll(async () => {
  await database.stop();
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => {
  child?.kill('SIGKILL');
});

const settings = (): Record<string, string> => ({
  DATABASE_SERVICE_URL: database.serviceUrl,
  QUEUE_DATABASE_URL: database.queueUrl,
  HOLDFAST_ROOT_KEY_FILE: join(folder, 'root.key'),
  HOLDFAST_STORE_PATH: join(folder, 'store'),
  HOLDFAST_STORE_SIGNING_KEY: randomBytes(32).toString('base64'),
  HOLDFAST_SCRATCH_PATH: join(folder, 'scratch'),
  GATEWAY_PORT: '0',
});

interface Started {
  readonly process: ChildProcess;
  readonly output: () => string;
  /** Exit code. */
  readonly ended: Promise<number | null>;
}

function start(environment: Record<string, string>): Started {
  const started = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { NODE_ENV: 'production', PATH: '/usr/bin:/bin', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  let output = '';
  for (const stream of [started.stdout, started.stderr]) stream.on('data', (piece: Buffer) => (output += piece));
  const ended = new Promise<number | null>((resolve) => started.on('close', (code) => resolve(code)));
  return { process: started, output: () => output, ended };
}

test('starts, answers, and ends in order on SIGTERM', async () => {
  const gateway = start(settings());
  await expect.poll(gateway.output, { timeout: 30_000 }).toContain('gateway ready');
  const port = /"port":(\d+)/.exec(gateway.output())?.[1];
  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect(await ready.json()).toEqual({ status: 'ok', database: true, objects: true });
  gateway.process.kill('SIGTERM');
  expect(await gateway.ended).toBe(0);
  expect(gateway.output()).toContain('gateway stopped');
});

test('says in one sentence which setting is missing, and no value of any other', async () => {
  const { HOLDFAST_STORE_PATH: _, ...incomplete } = settings();
  const gateway = start(incomplete);
  expect(await gateway.ended).toBe(1);
  expect(gateway.output()).toContain('HOLDFAST_STORE_PATH');
  expect(gateway.output()).not.toContain(incomplete['HOLDFAST_STORE_SIGNING_KEY']);
});

test('says that its port is busy', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const gateway = start({ ...settings(), GATEWAY_PORT: String(port) });
  expect(await gateway.ended).toBe(1);
  expect(gateway.output()).toContain(`Port ${port} is in use`);
  await new Promise((resolve) => other.close(resolve));
});
