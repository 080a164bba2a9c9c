/**
 * A provider with a year of history, written by the database itself: customers, devices, and of each day a backup that was
 * expected, its run, and the restore point that came of it. What becomes of each is a hash of its place and the seed.
 */
import pg from 'pg';

export interface Scale {
  readonly customers: number;
  readonly devices: number;
  readonly days: number;
  readonly seed: number;
  /** Customers beside them that have roll-ups alone. */
  readonly figuresOnly: number;
}

export interface Made {
  readonly tenantId: string;
  readonly customerIds: readonly string[];
  readonly figuresOnlyIds: readonly string[];
  readonly runs: number;
  /** The last day of the history ends here. */
  readonly untilMs: number;
}

const DAY_MS = 24 * 3_600_000;
const POLICY = {
  paths: ['/srv'],
  schedule: { everyMinutes: 1440, windowMinutes: 240 },
  rpoMinutes: 1680,
  rtoMinutes: 240,
  drill: { level: 3, everyHours: 720, sampleFiles: 50 },
};

/** What grows with the history; its indexes are made when all rows are there, which takes a fraction of the time. */
const LARGE = ['expected_occurrence', 'backup_run', 'restore_point'] as const;

const WRITERS = 2;
const PAST_WALLS = `SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '1GB'`;

/** An id that anybody can compute from a place, as SQL: no join is needed to find the run of a day. */
const place = (kind: string, ...at: readonly (string | number)[]): string =>
  `overlay(overlay(md5('${kind}/' || ${at.join(" || '/' || ")}) placing '4' from 13) placing '8' from 17)::uuid`;

/** As the administrator, past triggers and walls: rows of a year are data here, not what is measured. */
export async function generate(admin: pg.Client, tenantId: string, scale: Scale, untilMs: number): Promise<Made> {
  const { customers, devices, days, seed, figuresOnly } = scale;
  const start = new Date(untilMs - days * DAY_MS);
  await admin.query(PAST_WALLS);
  await admin.query(`INSERT INTO tenant (id, name, slug, wrapped_kek) VALUES ($1, 'bench', 'bench', '')`, [tenantId]);
  const own = `'${tenantId}'::uuid`;
  await admin.query(
    `INSERT INTO customer (tenant_id, id, name, created_at) SELECT ${own}, ${place('customer', 'c')}, 'Customer ' || c, $1
     FROM generate_series(1, ${customers + figuresOnly}) c`,
    [start],
  );
  await admin.query(
    `INSERT INTO policy (tenant_id, id, customer_id, name, document)
     SELECT ${own}, ${place('policy', 'c')}, ${place('customer', 'c')}, 'Daily', $1::jsonb FROM generate_series(1, ${customers}) c`,
    [JSON.stringify(POLICY)],
  );
  const each = `generate_series(1, ${customers}) c, generate_series(1, ${devices}) d`;
  await admin.query(
    `INSERT INTO device (tenant_id, id, customer_id, policy_id, name, hostname, os, arch, agent_version, public_key, enrolled_at)
     SELECT ${own}, ${place('device', 'c', 'd')}, ${place('customer', 'c')}, ${place('policy', 'c')}, 'srv-' || d, 'srv', 'linux',
       'x64', '1', 'none', $1 FROM ${each}`,
    [start],
  );
  await admin.query(
    `INSERT INTO source (tenant_id, id, customer_id, device_id, kind, name, created_at)
     SELECT ${own}, ${place('source', 'c', 'd')}, ${place('customer', 'c')}, ${place('device', 'c', 'd')}, 'files', 'Files', $1 FROM ${each}`,
    [start],
  );
  await admin.query(
    `INSERT INTO vault (tenant_id, id, customer_id, device_id, prefix, custody, state)
     SELECT ${own}, ${place('vault', 'c', 'd')}, ${place('customer', 'c')}, ${place('device', 'c', 'd')},
       'v/' || ${own}::text || '/' || ${place('vault', 'c', 'd')}::text, 'escrowed', 'new' FROM ${each}`,
  );
  await withoutIndexes(admin, async () => {
    const waiting = Array.from({ length: customers }, (_, at) => at + 1).values();
    const write = async (): Promise<void> => {
      const { host, port, user, password, database } = admin;
      const client = new pg.Client({ host, port, user, password, database });
      await client.connect();
      await client.query(PAST_WALLS);
      for (const customer of waiting) await history(client, own, { customer, devices, days, seed, start });
      await client.end();
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
  });
  await admin.query(`ANALYZE restore_point`);
  await drills(admin, own, scale, start);
  // Triggers do this, where they run.
  await admin.query(
    'INSERT INTO device_dirty (tenant_id, customer_id, device_id) SELECT tenant_id, customer_id, id FROM device',
  );
  await admin.query('SET session_replication_role = origin');
  await admin.query('VACUUM (ANALYZE)');
  const { rows } = await admin.query<{ id: string }>(
    `SELECT ${place('customer', 'c')} AS id FROM generate_series(1, ${customers + figuresOnly}) c ORDER BY c`,
  );
  const ids = rows.map(({ id }) => id);
  return {
    tenantId,
    customerIds: ids.slice(0, customers),
    figuresOnlyIds: ids.slice(customers),
    runs: customers * devices * days,
    untilMs,
  };
}

/** Postgres has no word for it: the catalogue says that the indexes are not ready, and then they are built anew. */
async function withoutIndexes(admin: pg.Client, work: () => Promise<void>): Promise<void> {
  await admin.query('SET allow_system_table_mods = on');
  await admin.query(
    `UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = ANY ($1::regclass[])`,
    [LARGE],
  );
  await admin.query('SET allow_system_table_mods = off');
  await work();
  for (const table of LARGE) await admin.query(`REINDEX TABLE ${table}`);
}

/** One customer: of a hundred backups 92 in time, four late, one partial, two missed, one failed. */
async function history(
  admin: pg.Client,
  own: string,
  {
    customer,
    devices,
    days,
    seed,
    start,
  }: Omit<Scale, 'customers' | 'figuresOnly'> & { readonly customer: number; readonly start: Date },
): Promise<void> {
  const customerId = place('customer', customer);
  const columns = 'tenant_id, id, customer_id, device_id, source_id';
  await admin.query(
    `WITH device AS MATERIALIZED (
       SELECT d, ${place('device', customer, 'd')} AS device_id, ${place('source', customer, 'd')} AS source_id, ${place('vault', customer, 'd')} AS vault_id
       FROM generate_series(1, ${devices}) d),
     made AS MATERIALIZED (
       SELECT y.*, ${place('occurrence', customer, 'd', 'n')} AS occurrence_id, ${place('run', customer, 'd', 'n')} AS run_id,
         ${place('point', customer, 'd', 'n')} AS point_id,
         due + CASE outcome WHEN 'late' THEN interval '5 hours' ELSE interval '20 minutes' END AS sealed
       FROM (SELECT x.*, $1::timestamptz + make_interval(days => n - 1, mins => d % 240) AS due,
           CASE WHEN pick < 92 THEN 'ok' WHEN pick < 96 THEN 'late' WHEN pick < 97 THEN 'partial' WHEN pick < 99 THEN 'missed'
             ELSE 'failed' END AS outcome
         FROM (SELECT device.*, n, (hashint8(${seed}::bigint * 7919 + ${customer}::bigint * 1000003 + d * 1009 + n) & 2147483647) % 100 AS pick
           FROM generate_series(1, ${days}) n CROSS JOIN device ORDER BY n, d) x) y),
     expected AS (
       INSERT INTO expected_occurrence (${columns}, due_at, window_end, outcome, resolved_at, run_id)
       SELECT ${own}, occurrence_id, ${customerId}, device_id, source_id, due, due + interval '4 hours', outcome, due + interval '5 hours',
         CASE WHEN outcome = 'missed' THEN NULL ELSE run_id END FROM made),
     ran AS (
       INSERT INTO backup_run (${columns}, vault_id, occurrence_id, trigger, state, outcome,
         started_at, last_progress_at, committed_at, finished_at, selected_files, selected_bytes, stored_bytes)
       SELECT ${own}, run_id, ${customerId}, device_id, source_id, vault_id, occurrence_id, 'schedule',
         CASE outcome WHEN 'failed' THEN 'failed' ELSE 'sealed' END,
         CASE outcome WHEN 'failed' THEN 'failed' WHEN 'partial' THEN 'partial' ELSE 'ok' END, due, sealed, sealed, sealed, 1000, 1000000000, 1000000
       FROM made WHERE outcome <> 'missed')
     INSERT INTO restore_point (${columns}, vault_id, run_id, snapshot_id, tree_id, capture_at,
       committed_at, sealed_at, state, outcome, is_usable, files, bytes, stored_bytes, pack_ids, witness, level_passed)
     SELECT ${own}, point_id, ${customerId}, device_id, source_id, vault_id, run_id, repeat(replace(point_id::text, '-', ''), 2),
       repeat(replace(point_id::text, '-', ''), 2), due, sealed, sealed, 'sealed', CASE outcome WHEN 'partial' THEN 'partial' ELSE 'ok' END,
       outcome <> 'partial' OR d % 2 = 0, 1000, 1000000000, 1000000, '{}', '[]', 1
     FROM made WHERE outcome NOT IN ('missed', 'failed')`,
    [start],
  );
}

/** A level-3 drill of each device every 30 days; one of fifty failed. */
async function drills(admin: pg.Client, own: string, { customers, devices, days }: Scale, start: Date): Promise<void> {
  await admin.query(
    `INSERT INTO drill (tenant_id, id, customer_id, device_id, source_id, vault_id, restore_point_id, level, trigger, state, seed, timings, files_planned, files_done,
       files_matched,
       scope, created_at, started_at, finished_at)
     SELECT ${own}, ${place('drill', 'c', 'd', 'n')}, ${place('customer', 'c')}, ${place('device', 'c', 'd')},
       ${place('source', 'c', 'd')}, ${place('vault', 'c', 'd')}, p.id, 3, 'schedule', CASE WHEN (c + d + n) % 50 = 0 THEN 'failed' ELSE 'passed' END,
       'bench', '{"queue": 4000, "transfer": 60000, "checks": 2000, "total": 66000}', 50, 50, 50, CASE WHEN d % 5 = 0 THEN 'full' ELSE 'sample' END,
       $1::timestamptz + make_interval(days => n, mins => d), $1::timestamptz + make_interval(days => n, mins => d),
       $1::timestamptz + make_interval(days => n, mins => d + 2)
     FROM generate_series(1, ${customers}) c, generate_series(1, ${devices}) d, generate_series(2, ${days - 1}, 30) n
     JOIN LATERAL (SELECT r.id FROM restore_point r WHERE r.tenant_id = ${own} AND r.source_id = ${place('source', 'c', 'd')}
       AND r.capture_at <= $1::timestamptz + make_interval(days => n) ORDER BY r.capture_at DESC LIMIT 1) p ON true`,
    [start],
  );
}
