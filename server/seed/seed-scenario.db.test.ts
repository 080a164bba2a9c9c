/** The scenarios as rows of the real schema: what they promise, that they can be had again, and what they refuse. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestPostgres } from '../../tests/support/start-test-postgres.ts';
import { type Scope, scopeForUser } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import { countFleet } from '../fleet/count-fleet.ts';
import { listFleet } from '../fleet/list-fleet.ts';
import { loadSummaries } from '../fleet/summaries.ts';
import { viewFleetSla } from '../sla/view-fleet-sla.ts';
import { createTestServices, createTestTenant } from '../testing/test-services.ts';
import { listUsage } from '../usage/list-usage.ts';
import { planScenario } from './plan-scenario.ts';
import type { ScenarioName } from './scenario.ts';
import { FORCE_WORDS, seedScenario } from './seed-scenario.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

let services: StartedTestServices;
const scopes = new Map<ScenarioName, Scope>();
const AT_MS = Date.UTC(2026, 10, 23, 8);

beforeAll(async () => {
  services = await startTestServices();
  services.clock.set(AT_MS);
  for (const [name, wish] of [
    ['calm', { devices: 80, days: 14 }],
    ['monday', { days: 30 }],
    ['fleet', { devices: 300, days: 40 }],
  ] as const) {
    const { tenantId } = await seedScenario(services, { name, seed: 'test', atMs: AT_MS, ...wish }, { analyze });
    if (scopes.size === 0) await keepOldStatistics(true);
    scopes.set(name, scopeForUser({ tenantId, id: tenantId, customerId: null, role: 'owner' }));
  }
  await keepOldStatistics(false);
});

async function analyze(): Promise<void> {
  const admin = new pg.Client({ connectionString: services.database.databaseUrl });
  await admin.connect();
  await admin.query('ANALYZE');
  await admin.end();
}

/**
 * What the planner knows is a matter of chance on a busy machine: while the others are written it has heard of the first provider
 * alone, and takes theirs for a row or two. A join by their tenant then looks at everything for each row, which ended at the time limit.
 */
async function keepOldStatistics(isKept: boolean): Promise<void> {
  const admin = new pg.Client({ connectionString: services.database.databaseUrl });
  await admin.connect();
  await admin.query('ANALYZE');
  for (const table of ['expected_occurrence', 'backup_run', 'restore_point', 'drill', 'device', 'source', 'vault'])
    await admin.query(`ALTER TABLE ${table} SET (autovacuum_enabled = ${!isKept})`);
  await admin.end();
}
afterAll(() => services.stop());

test('in the calm scenario every device of forty customers is proven', async () => {
  const totals = await countFleet(services, scopes.get('calm')!);
  expect(totals).toMatchObject({ devices: 80, customers: 40, states: { proven: 80 }, first: null });
});

test('the bad Monday has two encrypted customers, one without a link, a full quota, and all others proven', async () => {
  const scope = scopes.get('monday')!;
  const totals = await countFleet(services, scope);
  expect(totals.customers).toBe(40);
  const plan = planScenario({ name: 'monday', seed: 'test', atMs: AT_MS });
  const wrong = plan.devices.filter(({ mishap }) => mishap !== null);
  expect(new Set(wrong.map(({ mishap }) => mishap?.kind)).size).toBe(8);
  expect(totals.states.proven).toBe(plan.devices.length - wrong.length);
  const page = await listFleet(services, scope, { filter: { where: null, sort: null }, after: null, rows: 300 });
  const shown = page.rows.filter(({ protection }) => protection.state !== 'proven').map(({ id }) => id);
  expect(shown.toSorted()).toEqual(wrong.map(({ id }) => id).toSorted());
  const states = new Set(page.rows.map(({ protection }) => protection.state));
  for (const state of ['damaged', 'failed', 'missed', 'stuck', 'partial', 'protected']) expect(states).toContain(state);
});

test('a Monday that is made on the evening of any day is as bad as one of the morning', async () => {
  for (const atMs of [Date.UTC(2026, 10, 21, 20), Date.UTC(2026, 10, 26, 0, 30)]) {
    const evening = await startTestPostgres();
    const theirs = createTestServices(evening);
    theirs.clock.set(atMs);
    const { tenantId } = await seedScenario(theirs, { name: 'monday', seed: 'test', atMs, days: 5 });
    const scope = scopeForUser({ tenantId, id: tenantId, customerId: null, role: 'owner' });
    const wrong = planScenario({ name: 'monday', seed: 'test', atMs, days: 5 }).devices.filter(
      ({ mishap }) => mishap !== null,
    );
    const page = await listFleet(theirs, scope, { filter: { where: null, sort: null }, after: null, rows: 300 });
    const shown = page.rows.filter(({ protection }) => protection.state !== 'proven').map(({ id }) => id);
    expect(shown.toSorted()).toEqual(wrong.map(({ id }) => id).toSorted());
    await theirs.close();
    await evening.stop();
  }
});

test('the months of a scenario are added up, and what it uses is measured, as of its own instant', async () => {
  const scope = scopes.get('monday')!;
  const months = await viewFleetSla(services, scope, { month: '2026-11', page: 1 });
  expect(months.customers).toHaveLength(40);
  expect(months.customers.every(({ attainment }) => attainment !== null && attainment > 0)).toBe(true);
  expect(months.customers.some(({ belowTarget }) => belowTarget > 0)).toBe(true);
  const usage = await listUsage(services, scope, '2026-11');
  expect(usage).toHaveLength(40);
  expect(usage.every(({ devices, storedBytes }) => devices > 0 && storedBytes > 0)).toBe(true);
  // Measured each day, and the month before is closed.
  expect(usage.every(({ daysMeasured }) => daysMeasured > 20)).toBe(true);
  const before = await listUsage(services, scope, '2026-10');
  expect(before.length).toBe(40);
  expect(before.every(({ frozenMs, protectedBytes }) => frozenMs !== null && protectedBytes > 0)).toBe(true);
});

test('a calm provider kept its promises but for a few, was told of each breach, and excuses have a name', async () => {
  const scope = scopes.get('calm')!;
  const { sums, service, total } = await viewFleetSla(services, scope, { month: '2026-11', page: 1 });
  expect(sums.customersBelow).toBeLessThan(total / 2);
  expect({ undetected: service.undetected, silentMs: service.silentMs }).toEqual({ undetected: 0, silentMs: 0 });
  const excused = await withScope(services, scope, (tx) =>
    tx.expectedOccurrence.findMany({
      where: { tenantId: scope.tenantId, outcome: 'excused' },
      select: { excuseId: true },
    }),
  );
  expect(excused.length).toBeGreaterThan(0);
  expect(excused.every(({ excuseId }) => excuseId !== null)).toBe(true);
});

test('what the list shows of a scenario is what its rows say', async () => {
  for (const scope of scopes.values()) {
    const page = await listFleet(services, scope, { filter: { where: null, sort: null }, after: null, rows: 1000 });
    const direct = await withScope(services, scope, (tx) => loadSummaries(tx, scope, AT_MS));
    const byId = new Map(page.rows.map((row) => [row.id, row]));
    for (const { history: _, ...summary } of direct) expect(byId.get(summary.id)).toMatchObject(summary);
    expect(byId.size).toBe(direct.length);
  }
});

test('a bar has one cell for each expected backup, and its days are those of the customer’s zone', async () => {
  const page = await listFleet(services, scopes.get('monday')!, {
    filter: { where: null, sort: null },
    after: null,
    rows: 300,
  });
  const hourly = page.rows.find(
    ({ policyName, timeZone }) => policyName === 'Databases' && timeZone === 'Pacific/Auckland',
  )!;
  expect(hourly.bar.days).toHaveLength(28);
  expect(hourly.bar.days.at(-1)).toBe('23 Nov');
  expect(hourly.bar.cells.length).toBeGreaterThan(27 * 4);
  expect(hourly.bar.cells.every(([, day]) => day >= 0 && day <= 27)).toBe(true);
  expect(hourly.bar.drills.length).toBeGreaterThan(20);
});

test('the same seed and instant make the same rows, another seed makes others', async () => {
  const again = await startTestPostgres();
  const others = createTestServices(again);
  others.clock.set(AT_MS);
  await seedScenario(others, { name: 'calm', seed: 'test', atMs: AT_MS, devices: 80, days: 14 });
  const digest = async (url: string): Promise<string[]> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const digests: string[] = [];
    const { rows: tenants } = await client.query<{ id: string }>(`SELECT id FROM tenant WHERE slug = 'seed-calm'`);
    for (const table of [
      'customer',
      'policy',
      'device',
      'expected_occurrence',
      'backup_run',
      'restore_point',
      'drill',
      'alert',
    ]) {
      const { rows } = await client.query<{ digest: string }>(
        `SELECT md5(string_agg(t::text, '|' ORDER BY id)) AS digest FROM ${table} t WHERE tenant_id = $1`,
        [tenants[0]?.id],
      );
      digests.push(`${table} ${rows[0]?.digest}`);
    }
    await client.end();
    return digests;
  };
  expect(await digest(again.databaseUrl)).toEqual(await digest(services.database.databaseUrl));
  await others.close();
  await again.stop();
  expect(planScenario({ name: 'calm', seed: 'other', atMs: AT_MS }).devices[0]?.id).not.toBe(
    planScenario({ name: 'calm', seed: 'test', atMs: AT_MS }).devices[0]?.id,
  );
});

test('a seed is refused where it is already, and beside a provider that is none, unless the words are said', async () => {
  const wish = { name: 'calm', seed: 'test', atMs: AT_MS, devices: 40, days: 3 } as const;
  await expect(seedScenario(services, wish)).rejects.toThrow(/holds the seed “calm” already/);
  const real = await startTestPostgres();
  const theirs = createTestServices(real);
  await createTestTenant(theirs, 'real');
  await expect(seedScenario(theirs, wish)).rejects.toThrow(/which is no seed/);
  await expect(seedScenario(theirs, wish, { force: 'yes' })).rejects.toThrow(/which is no seed/);
  const { signIns } = await seedScenario(theirs, wish, { force: FORCE_WORDS });
  expect(signIns.map(({ role }) => role)).toEqual(['owner', 'technician', 'customer_viewer', 'customer_viewer']);
  await theirs.close();
  await real.stop();
});
