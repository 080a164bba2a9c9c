/** The worker program itself as a process of its own, on a real queue: for tests of sudden deaths and orderly ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { childEnvironment } from '../../core/base/child-environment.ts';
import { startTestPostgres, type TestPostgres } from '../../tests/support/start-test-postgres.ts';
import { startTestQueue, type TestQueue } from '../../tests/support/test-queue.ts';
import { createWorkerServices, removeFolders, type TestServices } from './test-device.ts';

export let services: TestServices;
export let database: TestPostgres;
export let admin: pg.Client;
export let queue: TestQueue;
const programs: ChildProcess[] = [];

/** For every test of a file: a database, a queue (HOLDFAST_TEST_QUEUE), services; no program outlives the file. */
export function useWorkerProgram(more: Partial<TestServices['env']> = {}): void {
  beforeAll(async () => {
    database = await startTestPostgres();
    queue = await startTestQueue();
    const made = createWorkerServices({ ...database, redisUrl: queue.redisUrl });
    services = { ...made, env: { ...made.env, ...more } };
    admin = new pg.Client({ connectionString: database.databaseUrl });
    await admin.connect();
  });
  afterAll(async () => {
    for (const child of programs) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await admin.end();
    await services.close();
    removeFolders(services);
    await queue.stop();
    await database.stop();
  });
}

/** Resolves when it is ready. @throws Error with what it wrote when it ends before. */
export async function startWorkerProgram(...args: string[]): Promise<ChildProcess> {
  // Most of the time of a start is compiling.
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [path.join(import.meta.dirname, '../main.ts'), ...args], {
    env: childEnvironment({ ...services.env, HOLDFAST_LOG_LEVEL: 'info', PATH, NODE_COMPILE_CACHE }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  programs.push(child);
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`the workers ended at once:\n${output}`)));
    const read = (piece: Buffer): void => {
      output += piece.toString();
      if (output.includes('workers ready')) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
  });
  return child;
}
