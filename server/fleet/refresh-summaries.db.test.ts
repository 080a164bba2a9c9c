/** device_summary beside the direct computation, after changes of every kind in any order. */
import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { selectWatchedFacts } from '../alerts/watched-facts.ts';
import { viewCustomerHome } from '../customers/queries.ts';
import { withScope } from '../db/with-scope.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { barDaysOf } from './bar-days.ts';
import { type FactsRow, factColumns, factSources } from './device-facts.ts';
import { listFleet } from './list-fleet.ts';
import { refreshAllSummaries } from './refresh-summaries.ts';
import { loadSummaries } from './summaries.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

const MINUTE = 60_000;
const seed = Date.now() % 2 ** 31;
const hex = (): string => randomBytes(32).toString('hex');

let services: StartedTestServices;
let tenant: TestTenant;
let admin: pg.Client;
const devices: { id: string; sourceId: string; vaultId: string; customerId: string }[] = [];

beforeAll(async () => {
  console.log(`seed ${seed}`);
  services = await startTestServices();
  ({ admin } = services);
  tenant = await createTestTenant(services, 'summary');
  for (const customer of [tenant.customers[0], tenant.customers[1], tenant.customers[0]]) {
    const device = { id: randomUUID(), sourceId: randomUUID(), vaultId: randomUUID(), customerId: customer.id };
    devices.push(device);
    const own = { tenant_id: tenant.id, customer_id: customer.id };
    await insert('device', {
      ...own,
      id: device.id,
      policy_id: customer.policyId,
      name: `srv-${devices.length}`,
      hostname: 'h',
      os: 'linux',
      arch: 'x64',
      agent_version: '1.2.0',
      public_key: 'none',
    });
    await insert('source', { ...own, id: device.sourceId, device_id: device.id, kind: 'files', name: 'Files' });
    await insert('vault', {
      ...own,
      id: device.vaultId,
      device_id: device.id,
      prefix: `v/${tenant.id}/${device.vaultId}`,
      custody: 'escrowed',
      state: 'new',
    });
  }
});
afterAll(() => services.stop());

async function insert(table: string, row: object): Promise<void> {
  const columns = Object.keys(row).join(', ');
  await admin.query(
    `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM jsonb_populate_record(NULL::${table}, $1)`,
    [JSON.stringify(row)],
  );
}

type Device = (typeof devices)[number];
interface Draw {
  readonly kind: number;
  readonly device: number;
  readonly minutes: number;
  readonly pick: number;
}

/** One change to what a device's facts come from; each is what some use-case writes. */
const CHANGES: readonly ((device: Device, draw: Draw) => Promise<unknown>)[] = [
  // an expected backup, past or to come
  async (device, { minutes, pick }) =>
    await insert('expected_occurrence', {
      ...of(device),
      source_id: device.sourceId,
      id: randomUUID(),
      due_at: ago(minutes - 300 + Math.random()),
      window_end: ago(minutes - 330 - pick),
      outcome: minutes > 300 ? among([null, 'ok', 'missed', 'failed', 'stuck', 'excused'], pick) : null,
    }),
  async (device, { pick }) =>
    await admin.query(
      `UPDATE expected_occurrence SET outcome = $2 WHERE id = (SELECT id FROM expected_occurrence WHERE device_id = $1 ORDER BY due_at DESC LIMIT 1)`,
      [device.id, among(['ok', 'late', 'missed'], pick)],
    ),
  async (device) =>
    await admin.query('DELETE FROM expected_occurrence WHERE device_id = $1 AND outcome IS NULL', [device.id]),
  // a backup, and its restore point
  async (device, draw) => await addRun(device, draw),
  async (device, { pick }) =>
    await admin.query(`UPDATE restore_point SET level_passed = $2 WHERE device_id = $1`, [
      device.id,
      among([1, 2, 3, 4], pick),
    ]),
  async (device) =>
    await admin.query(
      `UPDATE restore_point SET state = 'quarantined', is_usable = false, quarantine_reason = 'x'
         WHERE id = (SELECT id FROM restore_point WHERE device_id = $1 ORDER BY capture_at DESC LIMIT 1)`,
      [device.id],
    ),
  // drills
  async (device, draw) => await addDrill(device, draw),
  async (device) =>
    await admin.query(`UPDATE drill SET state = 'void' WHERE device_id = $1 AND state = 'failed'`, [device.id]),
  // alerts
  async (device, { minutes, pick }) =>
    await admin.query(
      `INSERT INTO alert (tenant_id, customer_id, device_id, id, kind, title, message, opened_at) VALUES ($1, $2, $3, $4, $5, $6, 'm', $7) ON CONFLICT DO NOTHING`,
      [
        tenant.id,
        device.customerId,
        device.id,
        randomUUID(),
        among(['missed', 'silent', 'damage'], pick),
        `alert ${pick}`,
        ago(minutes),
      ],
    ),
  async (device) => await admin.query('UPDATE alert SET resolved_at = now() WHERE device_id = $1', [device.id]),
  // damage
  async (device, { pick }) =>
    await insert('stored_object', {
      tenant_id: tenant.id,
      customer_id: device.customerId,
      vault_id: device.vaultId,
      key: `index/${hex()}`,
      kind: 'index',
      size: 1,
      crc32c: 'AAAAAA==',
      state: among(['sealed', 'damaged', 'missing'], pick),
      sealed_at: ago(1),
    }),
  async (device, { pick }) =>
    await admin.query('UPDATE stored_object SET state = $2 WHERE vault_id = $1', [
      device.vaultId,
      among(['sealed', 'missing', 'retired'], pick),
    ]),
  async (device) => await admin.query('DELETE FROM stored_object WHERE vault_id = $1', [device.vaultId]),
  // what is under way, who holds the keys, which agent it is
  async (device, { pick }) =>
    await insert('agent_command', {
      ...of(device),
      id: randomUUID(),
      kind: 'backup_now',
      payload: {},
      state: among(['pending', 'done'], pick),
    }),
  async (device) => await admin.query(`UPDATE agent_command SET state = 'done' WHERE device_id = $1`, [device.id]),
  async (device, { pick }) =>
    await admin.query('UPDATE vault SET custody = $2 WHERE id = $1', [
      device.vaultId,
      among(['escrowed', 'customer_held'], pick),
    ]),
  async (device, { pick }) =>
    await admin.query('UPDATE device SET agent_version = $2 WHERE id = $1', [
      device.id,
      among(['1.4', '1.10.0', 'dev'], pick),
    ]),
  // what rules alone look at: who it is, more than one source, a run whose backup was excused, the end of a device
  async (device, { pick }) =>
    await admin.query('UPDATE device SET class = $2, tags = $3, name = $4 WHERE id = $1', [
      device.id,
      among([null, 'server', 'workstation'], pick),
      among([[], ['gold']], pick),
      `srv-${pick}`,
    ]),
  async (device, { minutes, pick }) => {
    const sourceId = randomUUID();
    await insert('source', {
      ...of(device),
      id: sourceId,
      kind: 'files',
      name: sourceId,
      created_at: ago(minutes - 700),
    });
    await addRun({ ...device, sourceId }, { kind: 0, device: 0, minutes, pick });
  },
  async (device) =>
    await admin.query(
      `UPDATE backup_run r SET occurrence_id = o.id FROM expected_occurrence o
       WHERE r.device_id = $1 AND o.device_id = $1 AND r.source_id = o.source_id AND r.occurrence_id IS NULL
         AND o.outcome IS NOT NULL
         AND r.id = (SELECT id FROM backup_run WHERE device_id = $1 AND source_id = o.source_id ORDER BY started_at DESC LIMIT 1)
         AND o.id = (SELECT id FROM expected_occurrence WHERE device_id = $1 AND source_id = r.source_id ORDER BY due_at DESC LIMIT 1)`,
      [device.id],
    ),
  async (device) =>
    await admin.query(
      `UPDATE expected_occurrence SET outcome = 'excused' WHERE device_id = $1 AND outcome IN ('missed', 'failed', 'stuck')`,
      [device.id],
    ),
  async (device) =>
    await admin.query('UPDATE device SET revoked_at = CASE WHEN revoked_at IS NULL THEN now() END WHERE id = $1', [
      device.id,
    ]),
  async (device, { pick }) =>
    await admin.query('UPDATE customer SET timezone = $2 WHERE id = $1', [
      device.customerId,
      among(['UTC', 'Pacific/Auckland', 'America/Los_Angeles'], pick),
    ]),
  // time passes
  (_, { minutes }) => {
    services.clock.advance(minutes * MINUTE);
    return Promise.resolve();
  },
];

const among = <T>(values: readonly T[], pick: number): T => values[pick % values.length]!;
const ago = (minutes: number): string => new Date(services.clock.nowMs() - minutes * MINUTE).toISOString();
const of = (device: Device) => ({ tenant_id: tenant.id, customer_id: device.customerId, device_id: device.id });

async function addRun(device: Device, { minutes, pick }: Draw): Promise<void> {
  const id = randomUUID();
  const state = among(['sealed', 'sealed', 'failed', 'aborted', 'committed'], pick);
  const isSealed = state === 'sealed';
  const run = { ...of(device), source_id: device.sourceId, vault_id: device.vaultId };
  await insert('backup_run', {
    ...run,
    id,
    trigger: 'manual',
    state,
    outcome: isSealed ? 'ok' : null,
    started_at: ago(minutes),
    last_progress_at: ago(minutes),
  });
  if (isSealed)
    await insert('restore_point', {
      ...run,
      id: randomUUID(),
      run_id: id,
      snapshot_id: hex(),
      tree_id: hex(),
      capture_at: ago(minutes),
      committed_at: ago(minutes),
      sealed_at: ago(minutes),
      state: 'sealed',
      outcome: 'ok',
      is_usable: pick % 3 !== 0,
      files: 1,
      bytes: 100 + pick,
      stored_bytes: pick,
      pack_ids: [],
      witness: [],
      level_passed: among([null, 1, 3], pick),
    });
}

async function addDrill(device: Device, { minutes, pick }: Draw): Promise<void> {
  const { rows } = await admin.query<{ id: string }>('SELECT id FROM restore_point WHERE device_id = $1 LIMIT 1', [
    device.id,
  ]);
  if (rows[0] === undefined) return;
  const state = among(['passed', 'failed', 'queued', 'void', 'passed'], pick);
  await insert('drill', {
    ...of(device),
    source_id: device.sourceId,
    vault_id: device.vaultId,
    restore_point_id: rows[0].id,
    id: randomUUID(),
    level: among([3, 4], pick),
    trigger: 'schedule',
    state,
    seed: 's',
    runner: among(['service', 'agent', 'kit'], pick + minutes),
    files_matched: 1,
    timings: { queue: 10, transfer: 1000.4 + pick, checks: 5, total: 99 },
    rto_estimated_ms: pick % 2 === 0 ? 5000 + pick : null,
    finished_at: state === 'queued' ? null : ago(minutes),
    created_at: ago(minutes + 1),
  });
}

async function direct(): Promise<unknown[]> {
  const now = new Date(services.clock.nowMs());
  return await withScope(
    services,
    tenant.owner,
    (tx) =>
      tx.$queryRaw<
        FactsRow[]
      >`SELECT d.id AS device_id, ${factColumns}, ${barDaysOf(now)} AS days FROM device d ${factSources(now)} ORDER BY d.id`,
  );
}

async function stored(): Promise<unknown[]> {
  const rows = await withScope(
    services,
    tenant.owner,
    (tx) => tx.$queryRaw<Record<string, unknown>[]>`SELECT * FROM device_summary ORDER BY device_id`,
  );
  return rows.map(({ tenant_id: _, customer_id: __, computed_at: ___, ...facts }) => facts);
}

async function watched(): Promise<{ readonly stored: unknown; readonly direct: unknown }> {
  return await withScope(services, tenant.owner, async (tx) => {
    const ids = devices.map(({ id }) => id);
    const direct = await selectWatchedFacts(tx, tenant.id, ids, new Date(services.clock.nowMs()));
    const stored = await tx.$queryRaw`
      SELECT device_id AS "deviceId", customer_id AS "customerId", vault_id AS "vaultId", facts FROM device_watch ORDER BY device_id`;
    return { stored, direct };
  });
}

test('after any changes in any order the summary, and what rules look at, is what the rows themselves say, once the marked devices were computed', async () => {
  const draw = fc.record({
    kind: fc.nat(CHANGES.length - 1),
    device: fc.nat(devices.length - 1),
    minutes: fc.integer({ min: 0, max: 600 }),
    pick: fc.nat(30),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(draw, { minLength: 1, maxLength: 6 }), async (draws) => {
      for (const one of draws) await CHANGES[one.kind]!(devices[one.device]!, one);
      await refreshAllSummaries(services, tenant.owner);
      const sorted = (await direct()).map((row) => row);
      expect(await stored()).toEqual(sorted);
      const { stored: looked, direct: rows } = await watched();
      expect(looked).toEqual(rows);
    }),
    { seed, numRuns: 150, endOnFailure: true },
  );
  await admin.query('UPDATE device SET revoked_at = NULL');
  await refreshAllSummaries(services, tenant.owner);
  const { rows } = await admin.query<{ n: string }>('SELECT count(*) AS n FROM device_dirty');
  expect(Number(rows[0]?.n)).toBe(0);
});

test('the list shows what a device’s own page shows, at the same instant', async () => {
  const page = await listFleet(services, tenant.owner, { filter: { where: null, sort: null }, after: null });
  const summaries = await withScope(services, tenant.owner, (tx) =>
    loadSummaries(tx, tenant.owner, services.clock.nowMs()),
  );
  expect(page.rows).toHaveLength(devices.length);
  for (const { history: _, ...summary } of summaries)
    expect(page.rows.find(({ id }) => id === summary.id)).toMatchObject(summary);
});

test('a customer’s home shows the same, whether the summaries are up to date or a change still waits', async () => {
  const { customerId } = devices[0]!;
  const both = async () => [
    (await viewCustomerHome(services, tenant.owner, customerId)).devices,
    await withScope(services, tenant.owner, (tx) =>
      loadSummaries(tx, tenant.owner, services.clock.nowMs(), { customerId }),
    ),
  ];
  await refreshAllSummaries(services, tenant.owner);
  const [home, direct] = await both();
  expect(home!.length).toBeGreaterThan(0);
  expect(home).toEqual(direct);
  await addRun(devices[0]!, { kind: 0, device: 0, minutes: 1, pick: 1 });
  // Somebody else is at it, and has not come to this device.
  const lock = [`device_summary ${tenant.id}`];
  await admin.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', lock);
  const [later, laterDirect] = await both();
  await admin.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', lock);
  expect(later).toEqual(laterDirect);
  expect(later).not.toEqual(home);
});

test('a device whose next backup became due is late when its window is over, before anybody has computed it again', async () => {
  const device = devices[0]!;
  for (const table of ['drill', 'alert', 'stored_object']) {
    const where = table === 'stored_object' ? `vault_id = '${device.vaultId}'` : `device_id = '${device.id}'`;
    await admin.query(`DELETE FROM ${table} WHERE ${where}`);
  }
  await admin.query('UPDATE backup_run SET occurrence_id = NULL WHERE device_id = $1', [device.id]);
  await admin.query('DELETE FROM expected_occurrence WHERE device_id = $1', [device.id]);
  await admin.query('DELETE FROM restore_point WHERE device_id = $1', [device.id]);
  await admin.query('DELETE FROM backup_run WHERE device_id = $1', [device.id]);
  await addRun(device, { kind: 0, device: 0, minutes: 10, pick: 1 });
  await insert('expected_occurrence', {
    ...of(device),
    source_id: device.sourceId,
    id: randomUUID(),
    due_at: ago(-10),
    window_end: ago(-20),
  });
  const stateOf = async (): Promise<string | undefined> =>
    (await listFleet(services, tenant.owner, { filter: { where: null, sort: null }, after: null })).rows.find(
      ({ id }) => id === device.id,
    )?.protection.state;
  expect(await stateOf()).toBe('protected');
  services.clock.advance(21 * MINUTE);
  // Somebody else holds the lock, so that this reader computes nothing.
  await admin.query(`BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('device_summary ${tenant.id}', 0))`);
  expect(await stateOf()).toBe('late');
  await admin.query('COMMIT');
  expect(await stateOf()).toBe('late');
});
