/** A made-up provider beside the test service's own, in the same database: for screens that need many devices. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connectToService } from './e2e-database.ts';
import { e2eService } from './e2e-environment.ts';
import { CHECKOUT, type SignIn } from './start-service.ts';

/**
 * `npm run seed -- <scenario>` on the service's database. Returns the owner's sign-in. After a test that failed Playwright goes on in
 * a new process, which finds what the one before has seeded.
 */
export async function seedBesideService(scenario: 'calm' | 'monday', args: readonly string[] = []): Promise<SignIn> {
  const { dataPath } = e2eService();
  const kept = path.join(dataPath, `seeded-${scenario}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as SignIn;
  const client = await connectToService();
  const { port } = client;
  await client.end();
  const secrets = JSON.parse(readFileSync(path.join(dataPath, 'secrets.json'), 'utf8')) as {
    databaseServicePassword: string;
    databaseQueuePassword: string;
    storeSigningKey: string;
  };
  const child = spawn(
    process.execPath,
    [path.join(CHECKOUT, 'tools/seed.ts'), scenario, '--force', 'add-made-up-data', ...args],
    {
      cwd: CHECKOUT,
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'test',
        DATABASE_SERVICE_URL: `postgres://holdfast_service:${secrets.databaseServicePassword}@127.0.0.1:${port}/holdfast`,
        QUEUE_DATABASE_URL: `postgres://holdfast_queue:${secrets.databaseQueuePassword}@127.0.0.1:${port}/holdfast`,
        HOLDFAST_ROOT_KEY_FILE: path.join(dataPath, 'root.key'),
        HOLDFAST_STORE: 'file',
        HOLDFAST_STORE_PATH: path.join(dataPath, 'store'),
        HOLDFAST_STORE_SIGNING_KEY: secrets.storeSigningKey,
        HOLDFAST_SCRATCH_PATH: path.join(dataPath, 'scratch'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const [, email, password] = /^(\S+@\S+) {2}(\S+) {2}\(.*, owner\)$/m.exec(output) ?? [];
  if (code !== 0 || email === undefined || password === undefined)
    throw new Error(`The seed ended with code ${code}:\n${output}`);
  writeFileSync(kept, JSON.stringify({ email, password }));
  return { email, password };
}
