/**
 * Job intents end to end on both backends: written in a transaction, dispatched, claimed and done by the real worker program's
 * parts, with handlers that do nothing. And the noisy neighbour: how long the single jobs of one tenant take while another
 * one has ten thousand waiting, to how long they take without; each job then waits for a while, as a short seal does for its
 * bucket, for with jobs that do nothing this would only say how full the processor is. One worker process, Postgres and
 * Redis on this machine.
 *
 *   npm run bench -- jobs [--jobs 3000] [--waiting 10000] [--probes 60] [--work 50] [--backend redis|postgres]
 */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { type Scope, scopeForSystem } from '../../server/access/scope.ts';
import { loadEnv } from '../../server/env.ts';
import { createServices, type Services } from '../../server/services.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { enqueueIntent } from '../../server/jobs/intents.ts';
import { newId } from '../../core/base/ids.ts';
import { silentLog } from '../../core/base/log.ts';
import { KeyRing } from '../../server/keys/key-ring.ts';
import { startProgram } from '../../tools/services/program.ts';
import { findRedisServer, planRedis } from '../../tools/services/redis.ts';
import { cpuSeconds, median } from '../measure.ts';
import { startBenchDatabase } from '../start-bench-database.ts';

const PER_SECOND_MIN = 200;
const FACTOR_MAX = 2;
/** Writers that each commit a transaction an intent, as portal and gateway do. */
const WRITERS = 4;

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '3000' },
    waiting: { type: 'string', default: '10000' },
    probes: { type: 'string', default: '60' },
    work: { type: 'string', default: '50' },
    backend: { type: 'string' },
  },
});
const backends = (['redis', 'postgres'] as const).filter(
  (one) => values.backend === undefined || values.backend === one,
);

interface Tenant {
  readonly id: string;
  readonly customerId: string;
  readonly scope: Scope;
}

async function createTenant(admin: pg.Client, name: string): Promise<Tenant> {
  const [id, customerId] = [newId(), newId()];
  await admin.query(`INSERT INTO tenant (id, name, slug, wrapped_kek) VALUES ($1, $2, $2, '')`, [id, name]);
  await admin.query('INSERT INTO customer (tenant_id, id, name) VALUES ($1, $2, $3)', [id, customerId, name]);
  return { id, customerId, scope: scopeForSystem(id) };
}

async function writeIntents(services: Services, tenant: Tenant, count: number): Promise<void> {
  let left = count;
  const writer = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await withScope(services, tenant.scope, (tx) =>
        enqueueIntent(tx, tenant.scope, 'seal', { runId: newId() }, { customerId: tenant.customerId }),
      );
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

/** Many at once: what is measured is how they are worked off. */
async function pileUp(admin: pg.Client, tenant: Tenant, count: number): Promise<void> {
  await admin.query(
    `INSERT INTO job_intent (tenant_id, id, customer_id, kind, queue, payload, state)
     SELECT $1, gen_random_uuid(), $2, 'seal', 'seal', jsonb_build_object('runId', gen_random_uuid()), 'waiting' FROM generate_series(1, $3)`,
    [tenant.id, tenant.customerId, count],
  );
}

async function countOpen(admin: pg.Client, tenant: Tenant): Promise<number> {
  const { rows } = await admin.query<{ n: string }>(
    `SELECT count(*) AS n FROM job_intent WHERE tenant_id = $1 AND kind = 'seal' AND state IN ('waiting', 'dispatched', 'running')`,
    [tenant.id],
  );
  return Number(rows[0]?.n);
}

async function untilDone(admin: pg.Client, tenant: Tenant): Promise<void> {
  while ((await countOpen(admin, tenant)) > 0) await sleep(20);
}

/** From its commit to its end, one after the other, with a pause so that each finds the service as it is. */
async function probe(services: Services, admin: pg.Client, tenant: Tenant, count: number): Promise<number[]> {
  const tookMs: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const id = await withScope(services, tenant.scope, (tx) =>
      enqueueIntent(tx, tenant.scope, 'seal', { runId: newId() }, { customerId: tenant.customerId }),
    );
    await untilDone(admin, tenant);
    const { rows } = await admin.query<{ ms: number }>(
      `SELECT extract(epoch FROM finished_at - created_at)::float8 * 1000 AS ms FROM job_intent WHERE id = $1`,
      [id],
    );
    tookMs.push(rows[0]?.ms ?? Number.NaN);
    await sleep(50);
  }
  return tookMs;
}

interface BenchWorkers {
  setWork(workMs: number): void;
  stop(): Promise<void>;
}

async function startWorkers(env: Services['env']): Promise<BenchWorkers> {
  const child = fork(path.join(import.meta.dirname, 'workers.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.send(env);
  await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', () => reject(new Error('the workers of the benchmark ended at once')));
  });
  return {
    setWork: (workMs) => child.send({ workMs }),
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.send('stop');
      await ended;
    },
  };
}

async function run(backend: 'redis' | 'postgres', folder: string): Promise<boolean> {
  const running: { stop(): Promise<void> }[] = [];
  const servers: number[] = [];
  try {
    const database = await startBenchDatabase(path.join(folder, backend));
    running.push(database);
    servers.push(database.pid);
    let redisUrl = '';
    if (backend === 'redis') {
      const executable = findRedisServer();
      if (executable === undefined) throw new Error('There is no redis-server or valkey-server on PATH.');
      const redis = await planRedis(executable, {
        dataPath: path.join(folder, 'redis'),
        logPath: path.join(folder, 'redis.log'),
        password: randomBytes(8).toString('hex'),
      });
      const program = await startProgram(redis.spec);
      running.push(program);
      servers.push(program.record.pid);
      redisUrl = redis.url;
    }
    return await measureBackend(backend, { ...database.urls, redisUrl }, servers);
  } finally {
    for (const program of running.reverse()) await program.stop();
  }
}

async function measureBackend(
  backend: string,
  urls: { databaseUrl: string; serviceUrl: string; queueUrl: string; redisUrl: string },
  servers: readonly number[],
): Promise<boolean> {
  const services = createServices(
    loadEnv({
      DATABASE_SERVICE_URL: urls.serviceUrl,
      QUEUE_DATABASE_URL: urls.queueUrl,
      REDIS_URL: urls.redisUrl,
      HOLDFAST_ROOT_KEY_FILE: '/dev/null',
      HOLDFAST_STORE_PATH: '/nonexistent',
      HOLDFAST_STORE_SIGNING_KEY: randomBytes(32).toString('base64'),
      HOLDFAST_SCRATCH_PATH: '/nonexistent',
    }),
    { log: silentLog, keys: new KeyRing(randomBytes(32)) },
  );
  const admin = new pg.Client({ connectionString: urls.databaseUrl });
  await admin.connect();
  const [noisy, quiet] = [await createTenant(admin, 'noisy'), await createTenant(admin, 'quiet')];
  const workers = await startWorkers(services.env);
  const jobs = Number(values.jobs);
  // Warm: code is compiled and connections stand.
  await writeIntents(services, noisy, 300);
  await untilDone(admin, noisy);

  // The workers are a child of this process, and counted with it.
  const programs = [...servers, process.pid];
  const startedMs = performance.now();
  const startedCpu = cpuSeconds(programs);
  await writeIntents(services, noisy, jobs);
  await untilDone(admin, noisy);
  const perSecond = jobs / ((performance.now() - startedMs) / 1000);
  const cpuMs = ((cpuSeconds(programs) - startedCpu) / jobs) * 1000;

  const probes = Number(values.probes);
  workers.setWork(Number(values.work));
  const alone = await probe(services, admin, quiet, probes);
  await pileUp(admin, noisy, Number(values.waiting));
  await sleep(500);
  const beside = await probe(services, admin, quiet, probes);
  const leftOver = await countOpen(admin, noisy);
  const factor = median(beside) / median(alone);

  const ok = perSecond >= PER_SECOND_MIN && factor <= FACTOR_MAX && leftOver > 0;
  console.log(`${backend}`);
  console.log(`  end to end          ${perSecond.toFixed(0)} intents/s   (bound ${PER_SECOND_MIN}; ${jobs} intents)`);
  console.log(
    `  processor time      ${cpuMs.toFixed(1)} ms an intent, writers, workers and servers together: ${(1000 / cpuMs).toFixed(0)} intents/s a core`,
  );
  console.log(
    `  noisy neighbour     ${factor.toFixed(2)}   (bound ${FACTOR_MAX}; median ${median(alone).toFixed(1)} ms alone, ${median(beside).toFixed(1)} ms beside; ${leftOver} of ${values.waiting} still waited at the end)`,
  );
  await workers.stop();
  await admin.end();
  await services.close();
  return ok;
}

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-jobs-'));
try {
  for (const backend of backends) if (!(await run(backend, folder))) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
