/**
 * A year of a provider, with row-level security on: how long the pages of a customer, a year's report, the page of all customers
 * and the roll-ups take for fifty people who are signed in at once. Each of them opens a page of a customer of their own, reads it for
 * `--reading` milliseconds on average (spread evenly from none to twice that) and opens the next: with 5000 of them that is ten pages
 * a second. Beside it stands one person alone, with the processor time of a page, Postgres and the portal's query together, which is
 * the figure to read on a machine that does other things. The product's own use-cases over the product's own schema; the rows
 * are written by bench/sla/generate.ts. The roll-ups of the customers that are not rolled up here (all but
 * `--rolled`) are copies of those that are, so that the page of all customers reads as many rows as it would; `--figures-only` adds
 * customers that have nothing else.
 *
 *   npm run bench -- sla [--customers 1000] [--devices 100] [--days 365] [--users 50] [--reading 5000]
 *     [--rolled 20] [--figures-only 0] [--seed 1] [--folder DIR [--keep]]
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { manualClock } from '../../core/base/clock.ts';
import { newId } from '../../core/base/ids.ts';
import { silentLog } from '../../core/base/log.ts';
import { monthsBetween } from '../../core/domain/calendar.ts';
import { seededRandom } from '../../core/domain/drills.ts';
import { type Scope, scopeForSystem, scopeForUser } from '../../server/access/scope.ts';
import { viewCustomerHome } from '../../server/customers/queries.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { loadEnv } from '../../server/env.ts';
import { refreshAllSummaries } from '../../server/fleet/refresh-summaries.ts';
import { claimIntent } from '../../server/jobs/claims.ts';
import { enqueueIntent } from '../../server/jobs/intents.ts';
import { KeyRing } from '../../server/keys/key-ring.ts';
import { createServices, type Services } from '../../server/services.ts';
import { loadSlaYear } from '../../server/sla/load-sla-year.ts';
import { rollUpDays, rollUpTenantDays } from '../../server/sla/roll-up-days.ts';
import { rollUpMonth } from '../../server/sla/roll-up.ts';
import { viewFleetSla } from '../../server/sla/view-fleet-sla.ts';
import { viewSlaMonth } from '../../server/sla/view-sla-month.ts';
import { cpuSeconds } from '../measure.ts';
import { generate, type Made } from './generate.ts';
import { startBenchDatabase } from '../start-bench-database.ts';

/** The last instant of the history; the service's clock stands there. */
const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
const MONTH = '2026-10';
const DAY = '2026-11-20';
/** What the answers may take, at the 95th percentile. */
const GOALS = { overview: 150, month: 150, year: 400, fleet: 300, day: 1000 } as const;
/** Of each page; the first ones warm the caches. */
const ASKS = 300;
const WARM = 50;
/** Of one person. */
const ALONE = 100;

const { values } = parseArgs({
  options: {
    customers: { type: 'string', default: '1000' },
    devices: { type: 'string', default: '100' },
    days: { type: 'string', default: '365' },
    users: { type: 'string', default: '50' },
    reading: { type: 'string', default: '5000' },
    rolled: { type: 'string', default: '20' },
    'figures-only': { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    folder: { type: 'string' },
    keep: { type: 'boolean' },
  },
});
const scale = {
  customers: Number(values.customers),
  devices: Number(values.devices),
  days: Number(values.days),
  seed: Number(values.seed),
  figuresOnly: Number(values['figures-only']),
};

let isGood = true;

const quantile = (all: readonly number[], share: number): number =>
  [...all].sort((a, b) => a - b)[Math.min(all.length - 1, Math.floor(all.length * share))] ?? Number.NaN;

/** Fifty people who each open a page, read it, and open the next. */
async function ask(name: keyof typeof GOALS, made: Made, one: (customerId: string) => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  let asked = 0;
  const random = seededRandom(`${name}/${scale.seed}`);
  const user = async (): Promise<void> => {
    for (;;) {
      await sleep(random() * 2 * Number(values.reading));
      const at = asked++;
      if (at >= ASKS + WARM) return;
      const startMs = performance.now();
      await one(made.customerIds[(at * 7919) % made.customerIds.length]!);
      if (at >= WARM) times.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: Number(values.users) }, user));
  // One person alone: what the work itself costs, without the line before it.
  const alone: number[] = [];
  const programs = [database.pid, process.pid];
  const startCpu = cpuSeconds(programs);
  for (let at = 0; at < ALONE; at += 1) {
    const startMs = performance.now();
    await one(made.customerIds[(at * 104_729) % made.customerIds.length]!);
    alone.push(performance.now() - startMs);
  }
  const cpuMs = ((cpuSeconds(programs) - startCpu) / ALONE) * 1000;
  say(
    name,
    quantile(times, 0.95),
    `median ${ms(quantile(times, 0.5))}; one person alone ${ms(quantile(alone, 0.5))}, p95 ${ms(quantile(alone, 0.95))}, ${ms(cpuMs)} of processor time`,
  );
}

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

function say(name: keyof typeof GOALS, value: number, more: string): void {
  const isMet = value <= GOALS[name];
  isGood &&= isMet;
  console.log(`${name}: ${ms(value)} (at most ${GOALS[name]} ms: ${isMet ? 'met' : 'MISSED'}); ${more}`);
}

async function rollUp(services: Services, scope: Scope, tenantId: string, customerId: string, month: string) {
  const intentId = await withScope(services, scope, async (tx) => {
    const id = await enqueueIntent(tx, scope, 'rollup', { customerId, month });
    await tx.$executeRaw`UPDATE job_intent SET state = 'dispatched', dispatched_at = now() WHERE id = ${id}::uuid`;
    return id!;
  });
  const claim = await claimIntent(services, tenantId, intentId);
  await rollUpMonth(services, claim!, { customerId, month });
}

/** The roll-ups of the first customers, by the product; those of the others as copies. */
async function rollUpAll(services: Services, admin: pg.Client, scope: Scope, made: Made): Promise<void> {
  const rolled = made.customerIds.slice(0, Number(values.rolled));
  const months = monthsBetween(NOW_MS - (scale.days - 1) * 86_400_000, NOW_MS, 'UTC', 14);
  const times: number[] = [];
  for (const customerId of rolled)
    for (const month of months) {
      const startMs = performance.now();
      await rollUp(services, scope, made.tenantId, customerId, month);
      times.push(performance.now() - startMs);
    }
  console.log(
    `a customer's month as a whole, ${scale.devices} sources: median ${ms(quantile(times, 0.5))}, of ${times.length}`,
  );
  const copies = [...made.customerIds, ...made.figuresOnlyIds].filter((id) => !rolled.includes(id));
  const models = copies.map((_, at) => rolled[at % rolled.length]!);
  await admin.query('SET session_replication_role = replica');
  for (const [table, key] of [
    ['customer_month', 'month'],
    ['customer_day', 'day'],
  ] as const)
    await admin.query(
      `INSERT INTO ${table} SELECT r.* FROM unnest($1::uuid[], $2::uuid[]) AS c(id, model)
       JOIN ${table} m ON m.tenant_id = $3 AND m.customer_id = c.model
       CROSS JOIN LATERAL jsonb_populate_record(m, jsonb_build_object('customer_id', c.id::text)) r ORDER BY c.id, m.${key}`,
      [copies, models, made.tenantId],
    );
  await admin.query('SET session_replication_role = origin');
  await admin.query('VACUUM (ANALYZE) customer_month, customer_day, source_month');
}

/** Rows that can be made again need not be on the disk at once; what is measured afterwards waits for it as a real server does. */
async function waitForDisk(admin: pg.Client, fsync: 'on' | 'off'): Promise<void> {
  await admin.query(`ALTER SYSTEM SET fsync = ${fsync}`);
  await admin.query('SELECT pg_reload_conf()');
  if (fsync === 'on') await admin.query('CHECKPOINT');
}

/** A year of a thousand customers is an hour of work: a folder that was kept is measured again as it is. */
async function makeOrFind(services: Services, admin: pg.Client): Promise<Made> {
  const file = path.join(folder, 'made.json');
  const kept = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { scale: typeof scale; made: Made })
    : null;
  if (kept !== null && JSON.stringify(kept.scale) !== JSON.stringify(scale))
    throw new Error(`${folder} holds another history: ${JSON.stringify(kept.scale)}`);
  const startMs = performance.now();
  const startCpu = cpuSeconds([database.pid]);
  if (kept === null) await waitForDisk(admin, 'off');
  const made = kept?.made ?? (await generate(admin, newId(), scale, NOW_MS));
  await waitForDisk(admin, 'on');
  const { rows } = await admin.query<{ bytes: string }>('SELECT pg_database_size(current_database()) AS bytes');
  console.log(
    `${made.runs.toLocaleString('en')} expected backups (seed ${scale.seed}), ${(Number(rows[0]!.bytes) / 1e9).toFixed(1)} GB, ` +
      `${kept === null ? 'made' : 'found'} in ${((performance.now() - startMs) / 1000).toFixed(0)} s, ${(cpuSeconds([database.pid]) - startCpu).toFixed(0)} s of processor time; ${values.users} users`,
  );
  const scope = scopeForSystem(made.tenantId);
  if (kept === null) await rollUpAll(services, admin, scope, made);
  await refreshAllSummaries(services, scope);
  if (values.keep === true) writeFileSync(file, JSON.stringify({ scale, made }));
  return made;
}

async function measure(services: Services, made: Made): Promise<void> {
  const system = scopeForSystem(made.tenantId);
  const staff = scopeForUser({ tenantId: made.tenantId, id: newId(), customerId: null, role: 'technician' });
  const viewer = (customerId: string): Scope =>
    scopeForUser({ tenantId: made.tenantId, id: newId(), customerId, role: 'customer_viewer' });
  // What a job does for a day of one customer, and of all of them together: one run of each device.
  const days: number[] = [];
  const programs = [database.pid, process.pid];
  const startCpu = cpuSeconds(programs);
  for (const customerId of made.customerIds.slice(0, 30)) {
    const startMs = performance.now();
    await withScope(services, system, (tx) =>
      rollUpDays(tx, { tenantId: made.tenantId, customerIds: [customerId] }, { from: DAY, until: DAY }, NOW_MS),
    );
    days.push(performance.now() - startMs);
  }
  const dayCpuMs = ((cpuSeconds(programs) - startCpu) / days.length) * 1000;
  const startMs = performance.now();
  const allCpu = cpuSeconds(programs);
  for (let at = 0; at < made.customerIds.length; at += 100)
    await withScope(
      services,
      system,
      (tx) =>
        rollUpDays(
          tx,
          { tenantId: made.tenantId, customerIds: made.customerIds.slice(at, at + 100) },
          { from: DAY, until: DAY },
          NOW_MS,
        ),
      { timeoutMs: 120_000 },
    );
  const allMs = performance.now() - startMs;
  say(
    'day',
    quantile(days, 0.95),
    `of one customer, ${ms(dayCpuMs)} of processor time; of all ${made.customerIds.length}, ${scale.customers * scale.devices} runs: ${ms(allMs)}, ${ms((cpuSeconds(programs) - allCpu) * 1000)} of processor time`,
  );
  const tenantMs = performance.now();
  await withScope(services, system, (tx) => rollUpTenantDays(tx, made.tenantId, '2025-01-01', NOW_MS), {
    timeoutMs: 120_000,
  });
  console.log(`the provider's days of the year from its customers': ${ms(performance.now() - tenantMs)}`);
  await ask('overview', made, (customerId) => viewCustomerHome(services, viewer(customerId), customerId));
  await ask('month', made, (customerId) => viewSlaMonth(services, viewer(customerId), customerId, MONTH));
  await ask('year', made, (customerId) => loadSlaYear(services, viewer(customerId), customerId, '2026-11'));
  await ask('fleet', made, () => viewFleetSla(services, staff, { month: MONTH, page: 1 }));
}

const folder = values.folder ?? mkdtempSync(path.join(tmpdir(), 'holdfast-bench-sla-'));
mkdirSync(folder, { recursive: true });
// Without what a replica would need, a new index is written once.
const database = await startBenchDatabase(folder, [
  ...['shared_buffers=512MB', 'max_wal_size=1GB', 'checkpoint_timeout=30min'],
  ...['wal_level=minimal', 'max_wal_senders=0'],
]);
try {
  const services = {
    ...createServices(
      loadEnv({
        DATABASE_SERVICE_URL: database.urls.serviceUrl,
        QUEUE_DATABASE_URL: database.urls.queueUrl,
        HOLDFAST_ROOT_KEY_FILE: '/dev/null',
        HOLDFAST_STORE_PATH: '/nonexistent',
        HOLDFAST_STORE_SIGNING_KEY: randomBytes(32).toString('base64'),
        HOLDFAST_SCRATCH_PATH: '/nonexistent',
      }),
      { log: silentLog, keys: new KeyRing(randomBytes(32)) },
    ),
    clock: manualClock(NOW_MS),
  };
  const admin = new pg.Client({ connectionString: database.urls.databaseUrl });
  await admin.connect();
  try {
    await measure(services, await makeOrFind(services, admin));
  } finally {
    await admin.end();
    await services.close();
  }
} finally {
  await database.stop();
  if (values.keep !== true) rmSync(folder, { recursive: true, force: true });
}
process.exitCode = isGood ? 0 : 1;
