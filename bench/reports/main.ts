/**
 * The papers of a month's close: a provider's customers each get a report of a hundred systems, drawn by the worker program itself from
 * the database, laid into a store of files and written down, one after the other as the queue gives them. What counts is from the
 * order to the last row, with the processor time of one paper (worker and Postgres together), which is the figure to read on a
 * machine that does other things. The rows are written by bench/sla/generate.ts, the month is rolled up and closed by the product.
 *
 *   npm run bench -- reports [--customers 60] [--devices 100] [--days 60] [--seed 1]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { childEnvironment } from '../../core/base/child-environment.ts';
import { manualClock } from '../../core/base/clock.ts';
import { newId } from '../../core/base/ids.ts';
import { silentLog } from '../../core/base/log.ts';
import { type Scope, scopeForSystem } from '../../server/access/scope.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { loadEnv } from '../../server/env.ts';
import { claimIntent } from '../../server/jobs/claims.ts';
import { enqueueIntent } from '../../server/jobs/intents.ts';
import { orderReports } from '../../server/reports/order-reports.ts';
import { createServices, type Services } from '../../server/services.ts';
import { rollUpMonth } from '../../server/sla/roll-up.ts';
import { cpuSeconds } from '../measure.ts';
import { generate } from '../sla/generate.ts';
import { startBenchDatabase } from '../start-bench-database.ts';

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
const MONTH = '2026-10';
/** A thousand in an hour. */
const SECONDS_MAX = 3.6;

const { values } = parseArgs({
  options: {
    customers: { type: 'string', default: '60' },
    devices: { type: 'string', default: '100' },
    days: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
});

async function closeMonth(services: Services, scope: Scope, customerId: string): Promise<void> {
  const intentId = await withScope(services, scope, async (tx) => {
    const id = await enqueueIntent(tx, scope, 'rollup', { customerId, month: MONTH });
    await tx.$executeRaw`UPDATE job_intent SET state = 'dispatched', dispatched_at = now() WHERE id = ${id}::uuid`;
    return id!;
  });
  const claim = (await claimIntent(services, scope.tenantId, intentId))!;
  await rollUpMonth(services, claim, { customerId, month: MONTH });
  await claim.finish();
}

async function countReady(admin: pg.Client): Promise<{ ready: number; failed: string | null; bytes: number }> {
  const { rows } = await admin.query<{ ready: number; failed: string | null; bytes: number }>(
    `SELECT count(*) FILTER (WHERE state = 'ready')::int AS ready, min(error_message) AS failed, coalesce(avg(bytes), 0)::float8 AS bytes
     FROM month_report`,
  );
  return rows[0]!;
}

function startWorker(env: Services['env']): ChildProcess {
  return spawn(process.execPath, [path.join(import.meta.dirname, '../../workers/main.ts'), '--queues', 'report'], {
    env: childEnvironment({ ...env, PATH: process.env['PATH'] }),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function untilReady(admin: pg.Client, count: number, worker: ChildProcess): Promise<void> {
  for (;;) {
    const { ready, failed } = await countReady(admin);
    if (ready >= count) return;
    if (failed !== null) throw new Error(`a report could not be drawn: ${failed}`);
    if (worker.exitCode !== null) throw new Error('the worker ended');
    await sleep(20);
  }
}

async function measure(services: Services, admin: pg.Client, postgresPid: number): Promise<boolean> {
  const customers = Number(values.customers);
  const scale = {
    customers,
    devices: Number(values.devices),
    days: Number(values.days),
    seed: Number(values.seed),
    figuresOnly: 0,
  };
  const made = await generate(admin, newId(), scale, NOW_MS);
  const scope = scopeForSystem(made.tenantId);
  for (const customerId of made.customerIds) await closeMonth(services, scope, customerId);
  const ordered = await orderReports(services, scope);
  if (ordered !== customers) throw new Error(`${ordered} reports were ordered of ${customers} closed months`);
  const worker = startWorker(services.env);
  try {
    // Warm: code is loaded and compiled, connections stand.
    await untilReady(admin, 1, worker);
    const before = (await countReady(admin)).ready;
    const programs = [postgresPid, worker.pid!];
    const [startMs, startCpu] = [performance.now(), cpuSeconds(programs)];
    await untilReady(admin, customers, worker);
    const count = customers - before;
    const seconds = (performance.now() - startMs) / 1000 / count;
    const cpu = (cpuSeconds(programs) - startCpu) / count;
    const isMet = seconds <= SECONDS_MAX;
    console.log(
      `${customers} reports of ${scale.devices} systems (seed ${scale.seed}), ${((await countReady(admin)).bytes / 1024).toFixed(0)} KiB each: ` +
        `${seconds.toFixed(2)} s a report, a thousand in ${((seconds * 1000) / 60).toFixed(0)} minutes (at most 60: ${isMet ? 'met' : 'MISSED'}); ` +
        `${cpu.toFixed(2)} s of processor time a report`,
    );
    return isMet;
  } finally {
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    if (worker.exitCode === null && worker.signalCode === null) {
      worker.kill('SIGTERM');
      await ended;
    }
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-reports-'));
const database = await startBenchDatabase(folder);
try {
  const rootKeyFile = path.join(folder, 'root.key');
  writeFileSync(rootKeyFile, randomBytes(32).toString('base64'), { mode: 0o600 });
  const services = {
    ...createServices(
      loadEnv({
        DATABASE_SERVICE_URL: database.urls.serviceUrl,
        QUEUE_DATABASE_URL: database.urls.queueUrl,
        HOLDFAST_ROOT_KEY_FILE: rootKeyFile,
        HOLDFAST_STORE_PATH: path.join(folder, 'store'),
        HOLDFAST_STORE_SIGNING_KEY: randomBytes(32).toString('base64'),
        HOLDFAST_SCRATCH_PATH: path.join(folder, 'scratch'),
        HOLDFAST_LOG_LEVEL: 'error',
      }),
      { log: silentLog },
    ),
    clock: manualClock(NOW_MS),
  };
  const admin = new pg.Client({ connectionString: database.urls.databaseUrl });
  await admin.connect();
  try {
    if (!(await measure(services, admin, database.pid))) process.exitCode = 1;
  } finally {
    await admin.end();
    await services.close();
  }
} finally {
  await database.stop();
  rmSync(folder, { recursive: true, force: true });
}
