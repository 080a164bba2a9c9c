/**
 * The sweep's look at every device: rules, facts, verdicts, and what is written when something has changed. One provider with
 * a thousand customers; of its devices one in a hundred is silent, one in two hundred fails, one in two hundred missed a
 * backup, so that the first look opens some thousands of alerts and the later ones, which are what runs all day, open none.
 *
 *   npm run bench -- alerts [--devices 100000] [--days 7] [--rounds 3] [--folder DIR [--keep]]
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { manualClock } from '../../core/base/clock.ts';
import { newId } from '../../core/base/ids.ts';
import { silentLog } from '../../core/base/log.ts';
import { scopeForSystem } from '../../server/access/scope.ts';
import { sweepAlerts } from '../../server/alerts/sweep-alerts.ts';
import { loadEnv } from '../../server/env.ts';
import { refreshAllSummaries } from '../../server/fleet/refresh-summaries.ts';
import type { Claim } from '../../server/jobs/claims.ts';
import { KeyRing } from '../../server/keys/key-ring.ts';
import { createServices } from '../../server/services.ts';
import { cpuSeconds, median } from '../measure.ts';
import { startBenchDatabase } from '../start-bench-database.ts';

const SECONDS_MAX = 10;
const CUSTOMERS = 1000;
/** The instant of the rows; the service's clock stands there at the first look. */
const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
const SWEEP_MS = 30_000;
/** Devices of 100,000 with a daily backup that change something in half a minute, and some more for what agents report on the way. */
const CHANGED = 200;

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '100000' },
    days: { type: 'string', default: '7' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string' },
    keep: { type: 'boolean' },
  },
});
const devices = Number(values.devices);
const days = Number(values.days);

const POLICY = {
  paths: ['/srv'],
  schedule: { everyMinutes: 1440, windowMinutes: 240 },
  rpoMinutes: 1560,
  rtoMinutes: 240,
  drill: { level: 3, everyHours: 168, sampleFiles: 20 },
};

/** Of ids that follow from numbers, so that each statement finds those of the others. */
const id = (kind: string, n: string): string => `md5('${kind}' || ${n})::uuid`;

async function generate(admin: pg.Client, tenantId: string): Promise<void> {
  const now = `'${new Date(NOW_MS).toISOString()}'::timestamptz`;
  const run = async (text: string, ...given: unknown[]): Promise<void> => void (await admin.query(text, given));
  // The rows are right by the way they are made; to check two million of them against each other would take minutes.
  await run('SET session_replication_role = replica');
  await run(`INSERT INTO tenant (id, name, slug, wrapped_kek) VALUES ($1, 'bench', 'bench', '')`, tenantId);
  const customer = id('customer', `(n % ${CUSTOMERS})`);
  await run(
    `INSERT INTO customer (tenant_id, id, name) SELECT $1::uuid, ${id('customer', 'n')}, 'Customer ' || n FROM generate_series(0, ${CUSTOMERS - 1}) n`,
    tenantId,
  );
  await run(
    `INSERT INTO policy (tenant_id, id, customer_id, name, document) SELECT $1::uuid, ${id('policy', 'n')}, ${id('customer', 'n')}, 'Daily', $2::jsonb
     FROM generate_series(0, ${CUSTOMERS - 1}) n`,
    tenantId,
    JSON.stringify(POLICY),
  );
  const each = `generate_series(1, ${devices}) n`;
  await run(
    `INSERT INTO device (tenant_id, id, customer_id, policy_id, name, hostname, os, arch, agent_version, public_key, enrolled_at)
     SELECT $1::uuid, ${id('device', 'n')}, ${customer}, ${id('policy', `(n % ${CUSTOMERS})`)}, 'D' || n, 'd' || n, 'linux', 'x64', '1.0', '',
       ${now} - interval '1 year' FROM ${each}`,
    tenantId,
  );
  await run(
    `INSERT INTO device_state (tenant_id, device_id, customer_id, last_seen_at)
     SELECT $1::uuid, ${id('device', 'n')}, ${customer}, ${now} - CASE WHEN n % 100 = 0 THEN interval '2 days' ELSE interval '20 seconds' END FROM ${each}`,
    tenantId,
  );
  await run(
    `INSERT INTO source (tenant_id, id, customer_id, device_id, kind, name, created_at)
     SELECT $1::uuid, ${id('source', 'n')}, ${customer}, ${id('device', 'n')}, 'files', 'Files', ${now} - interval '1 year' FROM ${each}`,
    tenantId,
  );
  await run(
    `INSERT INTO vault (tenant_id, id, customer_id, device_id, prefix, custody, accepted_custody, state)
     SELECT $1::uuid, ${id('vault', 'n')}, ${customer}, ${id('device', 'n')}, 'v/' || $1::uuid || '/' || ${id('vault', 'n')}, 'escrowed', 'escrowed', 'new' FROM ${each}`,
    tenantId,
  );
  await run(
    `INSERT INTO vault_check (tenant_id, vault_id, customer_id, device_id, listing_due_at, reading_due_at, decrypting_due_at, listed_at)
     SELECT $1::uuid, ${id('vault', 'n')}, ${customer}, ${id('device', 'n')}, ${now}, ${now}, ${now}, ${now} - interval '5 hours' FROM ${each}`,
    tenantId,
  );
  const daily = `${each}, generate_series(0, ${days - 1}) day`;
  const at = `${now} - day * interval '1 day' - interval '3 hours' - (n % 60) * interval '1 minute'`;
  await run(
    `INSERT INTO expected_occurrence (tenant_id, id, customer_id, device_id, source_id, due_at, window_end, outcome, resolved_at)
     SELECT $1::uuid, gen_random_uuid(), ${customer}, ${id('device', 'n')}, ${id('source', 'n')}, ${at}, ${at} + interval '1 hour',
       CASE WHEN day = 0 AND n % 200 = 1 THEN 'missed' WHEN day = 0 AND n % 200 = 3 THEN 'failed' ELSE 'ok' END, ${at} FROM ${daily}`,
    tenantId,
  );
  await run(
    `INSERT INTO backup_run (tenant_id, id, customer_id, device_id, source_id, vault_id, trigger, state, outcome, started_at,
       last_progress_at, finished_at, error_code, error_message)
     SELECT $1::uuid, ${id('run', `n || '-' || day`)}, ${customer}, ${id('device', 'n')}, ${id('source', 'n')}, ${id('vault', 'n')}, 'schedule',
       CASE WHEN day = 0 AND n % 200 = 3 THEN 'failed' ELSE 'sealed' END, CASE WHEN day = 0 AND n % 200 = 3 THEN 'failed' ELSE 'ok' END,
       ${at}, ${at}, ${at}, CASE WHEN day = 0 AND n % 200 = 3 THEN 'source_failed' END, CASE WHEN day = 0 AND n % 200 = 3 THEN 'The disk is full.' END
     FROM ${daily}`,
    tenantId,
  );
  await run(
    `INSERT INTO restore_point (tenant_id, id, customer_id, device_id, source_id, vault_id, run_id, snapshot_id, tree_id, capture_at,
       committed_at, sealed_at, state, outcome, is_usable, files, bytes, stored_bytes, pack_ids, witness)
     SELECT $1::uuid, ${id('point', `n || '-' || day`)}, ${customer}, ${id('device', 'n')}, ${id('source', 'n')}, ${id('vault', 'n')},
       ${id('run', `n || '-' || day`)}, md5('a' || n || '-' || day) || md5('b' || n || '-' || day), repeat('0', 64), ${at}, ${at}, ${at}, 'sealed', 'ok', true, 1000,
       1000000, 1000, '{}', '[]' FROM ${daily}`,
    tenantId,
  );
  await run(
    `INSERT INTO drill (tenant_id, id, customer_id, device_id, source_id, vault_id, restore_point_id, level, trigger, state, seed,
       files_planned, files_done, files_matched, created_at, finished_at)
     SELECT $1::uuid, gen_random_uuid(), ${customer}, ${id('device', 'n')}, ${id('source', 'n')}, ${id('vault', 'n')}, ${id('point', `n || '-0'`)}, 3,
       'schedule', 'passed', 'x', 9, 9, 9, ${at}, ${at} FROM ${each}, generate_series(0, 1) day`,
    tenantId,
  );
  // Triggers do this, where they run.
  await run(
    'INSERT INTO device_dirty (tenant_id, customer_id, device_id) SELECT tenant_id, customer_id, id FROM device',
  );
  await run('SET session_replication_role = DEFAULT');
  await run('ANALYZE');
}

/** A folder that was kept is looked at again as if for the first time. */
async function makeOrFind(admin: pg.Client): Promise<string> {
  const file = path.join(folder, 'made.json');
  const scale = { devices, days };
  const kept = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { scale: typeof scale; tenantId: string })
    : null;
  if (kept !== null && JSON.stringify(kept.scale) !== JSON.stringify(scale))
    throw new Error(`${folder} holds other rows: ${JSON.stringify(kept.scale)}`);
  const tenantId = kept?.tenantId ?? newId();
  const began = performance.now();
  if (kept === null) await generate(admin, tenantId);
  // Nothing of an earlier look is left.
  else {
    await admin.query('SET session_replication_role = replica');
    await admin.query('DELETE FROM alert_event');
    await admin.query('DELETE FROM alert');
    await admin.query('DELETE FROM alert_rule');
    await admin.query('DELETE FROM policy_baseline');
    await admin.query('SET session_replication_role = DEFAULT');
    await admin.query('VACUUM ANALYZE');
  }
  console.log(
    `  ${devices} devices, ${days} days, ${kept === null ? 'made' : 'found'} in ${((performance.now() - began) / 1000).toFixed(0)} s`,
  );
  if (values.keep === true) writeFileSync(file, JSON.stringify({ scale, tenantId }));
  return tenantId;
}

/** Half a minute passes: every machine that is not silent has called, and some have backed up. */
async function live(admin: pg.Client, tenantId: string, round: number, nowMs: number): Promise<void> {
  await admin.query(
    `UPDATE device_state SET last_seen_at = $2 WHERE tenant_id = $1 AND last_seen_at > $2::timestamptz - interval '1 hour'`,
    [tenantId, new Date(nowMs)],
  );
  await admin.query(
    `UPDATE backup_run SET last_progress_at = $2 WHERE tenant_id = $1 AND id IN (
       SELECT ${id('run', `n || '-0'`)} FROM generate_series(${round * CHANGED}, ${(round + 1) * CHANGED - 1}) n)`,
    [tenantId, new Date(nowMs)],
  );
}

async function changeEveryRule(admin: pg.Client, tenantId: string): Promise<void> {
  await admin.query(
    `INSERT INTO alert_rule (tenant_id, id, kind, name, is_built_in, is_enabled, severity, parameters, filter, created_at, updated_at)
     VALUES ($1, gen_random_uuid(), 'silent', 'Three hours', false, true, 'info', '{"hours": 3}', '{}', now(), now())`,
    [tenantId],
  );
}

async function measure(
  urls: { databaseUrl: string; serviceUrl: string; queueUrl: string },
  postgresPid: number,
): Promise<boolean> {
  const clock = manualClock(NOW_MS);
  const services = {
    ...createServices(
      loadEnv({
        DATABASE_SERVICE_URL: urls.serviceUrl,
        QUEUE_DATABASE_URL: urls.queueUrl,
        REDIS_URL: '',
        HOLDFAST_ROOT_KEY_FILE: '/dev/null',
        HOLDFAST_STORE_PATH: '/nonexistent',
        HOLDFAST_STORE_SIGNING_KEY: randomBytes(32).toString('base64'),
        HOLDFAST_SCRATCH_PATH: '/nonexistent',
      }),
      { log: silentLog, keys: new KeyRing(randomBytes(32)) },
    ),
    clock,
  };
  const admin = new pg.Client({ connectionString: urls.databaseUrl });
  admin.on('error', () => undefined); // the server is stopped under it when something else has failed
  await admin.connect();
  const tenantId = await makeOrFind(admin);
  // What the queue gives a worker, without a queue: nobody else is there to take the claim away.
  const claim = { scope: scopeForSystem(tenantId), guard: async () => undefined } as Pick<
    Claim,
    'scope' | 'guard'
  > as Claim;
  // What the service does as its devices change, each by itself: nobody waits for all of them at once.
  const [began, startCpu, startPostgres] = [performance.now(), process.cpuUsage(), cpuSeconds([postgresPid])];
  const computed = await refreshAllSummaries(services, claim.scope);
  if (computed > 0) {
    const { user, system } = process.cpuUsage(startCpu);
    const perDevice = (seconds: number): string => `${((seconds * 1000) / computed).toFixed(1)} ms`;
    console.log(
      `  facts of ${computed} devices computed: a device takes ${perDevice((performance.now() - began) / 1000)}, processor time ${perDevice((user + system) / 1e6)} in the worker, ${perDevice(cpuSeconds([postgresPid]) - startPostgres)} in Postgres`,
    );
    await admin.query('VACUUM ANALYZE');
  }
  const look = async (): Promise<{ seconds: number; cpu: number; postgresCpu: number }> => {
    const [started, cpu, postgresCpu] = [performance.now(), process.cpuUsage(), cpuSeconds([postgresPid])];
    await sweepAlerts(services, claim);
    const spent = process.cpuUsage(cpu);
    return {
      seconds: (performance.now() - started) / 1000,
      cpu: (spent.user + spent.system) / 1e6,
      postgresCpu: cpuSeconds([postgresPid]) - postgresCpu,
    };
  };
  const looks: Awaited<ReturnType<typeof look>>[] = [];
  const say = (what: string, { seconds, cpu, postgresCpu }: Awaited<ReturnType<typeof look>>): void => {
    console.log(
      `  ${what.padEnd(44)} ${seconds.toFixed(1)} s, processor time ${cpu.toFixed(1)} s in the worker, ${postgresCpu.toFixed(1)} s in Postgres`,
    );
  };
  const first = await look();
  const { rows } = await admin.query<{ n: string }>('SELECT count(*) AS n FROM alert WHERE resolved_at IS NULL');
  say(`first look, opens ${rows[0]?.n} alerts`, first);
  for (let round = 0; round < Number(values.rounds); round++) {
    clock.advance(SWEEP_MS);
    await live(admin, tenantId, round, clock.nowMs());
    looks.push(await look());
  }
  const of = (figure: keyof (typeof looks)[number]): number => median(looks.map((one) => one[figure]));
  say(`a later one, ${CHANGED} devices changed`, {
    seconds: of('seconds'),
    cpu: of('cpu'),
    postgresCpu: of('postgresCpu'),
  });
  // Whoever changes a rule has every device looked at anew.
  await changeEveryRule(admin, tenantId);
  say('all devices by another rule', await look());
  console.log(`  bound: ${SECONDS_MAX} s for 100,000`);
  await admin.end();
  await services.close();
  return Math.max(first.seconds, ...looks.map(({ seconds }) => seconds)) <= SECONDS_MAX;
}

const folder = values.folder ?? mkdtempSync(path.join(tmpdir(), 'holdfast-bench-alerts-'));
mkdirSync(folder, { recursive: true });
const database = await startBenchDatabase(folder);
try {
  if (!(await measure(database.urls, database.pid))) process.exitCode = 1;
} finally {
  await database.stop();
  if (values.keep !== true) rmSync(folder, { recursive: true, force: true });
}
