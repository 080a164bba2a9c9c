/** The page of all customers: each with its own last days, and lists of exactly those that a figure counts. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { monthWindow } from '../../core/domain/calendar.ts';
import { withScope } from '../db/with-scope.ts';
import { claimIntent } from '../jobs/claims.ts';
import { enqueueIntent } from '../jobs/intents.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { rollUpMonth } from './roll-up.ts';
import { viewFleetSla } from './view-fleet-sla.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ZONE = 'Pacific/Auckland';
const MONTH = '2026-10';
const { startMs } = monthWindow(MONTH, ZONE);
const DAYS = 20;

let services: StartedTestServices;
let admin: pg.Client;
let tenant: TestTenant;
beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  services.clock.set(startMs - 10 * DAY);
  tenant = await createTestTenant(services, 'sla');
  // A day between two backups is in order, a week is not.
  await admin.query(`UPDATE policy SET document = document || '{"rpoMinutes": 2880}' WHERE tenant_id = $1`, [
    tenant.id,
  ]);
  for (const { id } of tenant.customers)
    await admin.query('UPDATE customer SET timezone = $1 WHERE id = $2', [ZONE, id]);
  // One is in order, the other one was without a backup for a week. Late in the evening: in UTC it is the day before.
  await plant(0, () => 'ok');
  await plant(1, (day) => (day >= 8 && day < 15 ? 'missed' : 'ok'));
  services.clock.set(startMs + DAYS * DAY);
  for (const { id } of tenant.customers) await rollUp(id);
});
afterAll(() => services.stop());

async function insert(table: string, row: Readonly<Record<string, unknown>>): Promise<void> {
  const names = Object.keys(row);
  await admin.query(
    `INSERT INTO ${table} (${names.join(', ')}) SELECT ${names.join(', ')} FROM jsonb_populate_record(NULL::${table}, $1)`,
    [JSON.stringify(row)],
  );
}

const hex = (id: string): string => id.replaceAll('-', '').repeat(2);

async function plant(at: 0 | 1, outcomeOf: (day: number) => 'ok' | 'missed'): Promise<void> {
  const { id: customerId, policyId } = tenant.customers[at];
  const own = { tenant_id: tenant.id, customer_id: customerId };
  const [deviceId, sourceId, vaultId] = [randomUUID(), randomUUID(), randomUUID()];
  const since = new Date(startMs - 5 * DAY);
  await insert('device', {
    ...{ ...own, id: deviceId, policy_id: policyId, name: `srv-${at}`, hostname: 'srv', os: 'linux', arch: 'x64' },
    ...{ agent_version: '1', public_key: 'none', enrolled_at: since },
  });
  const device = { ...own, device_id: deviceId };
  await insert('source', { ...device, id: sourceId, kind: 'files', name: 'Files', created_at: since });
  await insert('vault', {
    ...device,
    id: vaultId,
    prefix: `v/${tenant.id}/${vaultId}`,
    custody: 'escrowed',
    state: 'new',
  });
  for (let day = -2; day < DAYS; day++) {
    const due = new Date(startMs + day * DAY + 23 * HOUR);
    const outcome = outcomeOf(day);
    const [occurrenceId, runId] = [randomUUID(), randomUUID()];
    await insert('expected_occurrence', {
      ...{ ...device, source_id: sourceId, id: occurrenceId, due_at: due, window_end: new Date(due.getTime() + HOUR) },
      ...{ outcome, resolved_at: due },
    });
    if (outcome !== 'ok') continue;
    await insert('backup_run', {
      ...{ ...device, source_id: sourceId, vault_id: vaultId, id: runId, occurrence_id: occurrenceId },
      ...{ trigger: 'schedule', state: 'sealed', outcome, started_at: due, last_progress_at: due, committed_at: due },
      ...{ finished_at: due, selected_files: 1, selected_bytes: 1, stored_bytes: 1, unread_count: 0, unread_bytes: 0 },
      unread: [],
    });
    await insert('restore_point', {
      ...{ ...device, source_id: sourceId, vault_id: vaultId, id: randomUUID(), run_id: runId, capture_at: due },
      ...{ snapshot_id: hex(runId), tree_id: hex(runId), committed_at: due, sealed_at: due, state: 'sealed', outcome },
      ...{ is_usable: true, files: 1, bytes: 1, stored_bytes: 1, pack_ids: [], witness: [] },
    });
  }
}

async function rollUp(customerId: string): Promise<void> {
  const id = await withScope(services, tenant.system, async (tx) => {
    const intent = await enqueueIntent(tx, tenant.system, 'rollup', { customerId, month: MONTH });
    await tx.$executeRaw`UPDATE job_intent SET state = 'dispatched', dispatched_at = now() WHERE id = ${intent}::uuid`;
    return intent!;
  });
  const claim = await claimIntent(services, tenant.id, id);
  await rollUpMonth(services, claim!, { customerId, month: MONTH });
}

const view = async (only: 'below' | 'credit' | null) =>
  await viewFleetSla(services, tenant.owner, { month: MONTH, page: 1, only });

test('a customer’s bar is its expected backups of the last 28 days, each on the day of its own clock', async () => {
  const { customers } = await view(null);
  const bad = customers.find(({ belowTarget }) => belowTarget > 0)!;
  const good = customers.find(({ belowTarget }) => belowTarget === 0)!;
  expect(bad.history.length).toBe(28);
  // 9 to 15 October in Auckland; the last of the 28 days is today, the 21st.
  expect(bad.history.filter(({ worst }) => worst === 'missed').map(({ label }) => label)).toEqual(
    [9, 10, 11, 12, 13, 14, 15].map((day) => `${day} Oct`),
  );
  expect(good.history.filter(({ worst }) => worst !== null && worst !== 'ok')).toEqual([]);
  expect(good.history.reduce((sum, { counts }) => sum + counts.ok, 0)).toBe(DAYS);
});

test('a list of the customers below target is those that the figure counts, and the figures stay those of all', async () => {
  const [all, below, credit] = [await view(null), await view('below'), await view('credit')];
  expect([all.customers.length, all.listed, all.total]).toEqual([2, 2, 2]);
  expect(below.customers.map(({ customerId }) => customerId)).toEqual([tenant.customers[1].id]);
  expect([below.listed, below.total]).toEqual([below.sums.customersBelow, 2]);
  expect(below.sums).toEqual(all.sums);
  expect([credit.customers.length, credit.listed]).toEqual([0, 0]);
});
