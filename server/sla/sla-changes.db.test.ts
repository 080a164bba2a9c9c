/** Excuses and contracts: what each covers, and what holds when several people and programs change them at the same moment. */
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { monthWindow } from '../../core/domain/calendar.ts';
import { slaTerms } from '../../core/domain/sla/contract.ts';
import { until } from '../../tests/support/until.ts';
import { type Scope, scopeForUser } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import {
  plantBackup,
  plantSource,
  type PlantedSource,
  type PlantPlace,
  rollUp,
} from '../reports/testing/planted-month.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { changeContract } from './change-contract.ts';
import { excuseFor } from './excuse-for.ts';
import { decideExcuse, requestExcuse, setExcuseRule, withdrawExcuse } from './excuses.ts';
import { readFiguresJson } from './read-figures.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

const HOUR = 3_600_000;
const MONTH = '2026-10';
const window = monthWindow(MONTH, 'UTC');

let services: StartedTestServices;
let admin: pg.Client;
let tenant: TestTenant;
let technician: Scope;
let customerId: string;
let place: PlantPlace;
let source: PlantedSource;

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
});
afterAll(() => services.stop());
beforeEach(async () => {
  services.clock.set(window.startMs);
  tenant = await createTestTenant(services, 'excuses');
  customerId = tenant.customers[0].id;
  const id = newId();
  await withScope(services, tenant.system, (tx) =>
    tx.appUser.create({
      data: { tenantId: tenant.id, id, role: 'technician', name: 'Tove', email: `${id}@x.test`, passwordHash: 'none' },
      select: { id: true },
    }),
  );
  technician = scopeForUser({ tenantId: tenant.id, id, customerId: null, role: 'technician' });
  place = { admin, services, tenant, customerId, month: MONTH, timeZone: 'UTC' };
  source = await plantSource(place, { device: 'srv', source: 'Files' }, window.startMs - 24 * HOUR);
});

async function plantAt(dueMs: number, outcome: 'ok' | 'missed'): Promise<string> {
  await plantBackup(place, source, dueMs, outcome);
  const { rows } = await admin.query<{ id: string }>(
    'SELECT id FROM expected_occurrence WHERE source_id = $1 AND due_at = $2',
    [source.id, new Date(dueMs)],
  );
  return rows[0]!.id;
}

test('a backup is excused or it is not: who withdraws it while somebody approves it does not leave half of each', async () => {
  const occurrenceId = await plantAt(window.startMs + HOUR, 'missed');
  await plantBackup(place, source, window.startMs + 5 * HOUR, 'ok');
  services.clock.set(window.startMs + 10 * HOUR);
  await setExcuseRule(services, tenant.owner, true);
  const { id } = await requestExcuse(services, technician, customerId, { occurrenceId, reason: 'No power.' });
  const other = new pg.Client({ connectionString: services.database.databaseUrl });
  await other.connect();
  // Both are under way before either can write.
  await other.query('BEGIN');
  await other.query('SELECT FROM sla_excuse WHERE id = $1 FOR UPDATE', [id]);
  const both = Promise.allSettled([
    decideExcuse(services, tenant.owner, id, { isApproved: true, words: null }),
    withdrawExcuse(services, technician, id, 'It was not the power.'),
  ]);
  await until('both to wait', async () => {
    const { rows } = await admin.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    return rows[0]!.n >= 2;
  });
  await other.query('COMMIT');
  await other.end();
  await both;
  const { rows } = await admin.query<{ state: string; outcome: string }>(
    'SELECT e.state, o.outcome FROM sla_excuse e JOIN expected_occurrence o ON o.id = $2 WHERE e.id = $1',
    [id, occurrenceId],
  );
  // Whoever came first: it was withdrawn, so it counts.
  expect(rows[0]).toEqual({ state: 'withdrawn', outcome: 'missed' });
});

test('an outcome does not outlive its excuse: one that is being written while it is withdrawn counts', async () => {
  const occurrenceId = await plantAt(window.startMs + HOUR, 'missed');
  services.clock.set(window.startMs + 10 * HOUR);
  const { id } = await requestExcuse(services, tenant.owner, customerId, {
    ...{
      deviceId: source.deviceId,
      startMs: window.startMs,
      endMs: window.startMs + 9 * HOUR,
      reason: 'No power.',
    },
  });
  await admin.query(
    'UPDATE expected_occurrence SET outcome = NULL, resolved_at = NULL, excuse_id = NULL, unexcused_outcome = NULL WHERE id = $1',
    [occurrenceId],
  );
  let withdrawn: Promise<void> | undefined;
  await withScope(services, tenant.system, async (tx) => {
    const where = { tenantId_id: { tenantId: tenant.id, id: occurrenceId } };
    const occurrence = await tx.expectedOccurrence.findUniqueOrThrow({ where });
    const written = await excuseFor(tx, occurrence, { outcome: 'missed', reason: 'It did not come.', runId: null });
    expect(written).toMatchObject({ outcome: 'excused', excuseId: id });
    let isOver = false;
    withdrawn = withdrawExcuse(services, tenant.owner, id, 'There was power.').finally(() => {
      isOver = true;
    });
    await until('the withdrawal to wait, or to end', async () => {
      const { rows } = await admin.query<{ n: number }>(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      return isOver || rows[0]!.n > 0;
    });
    await tx.expectedOccurrence.update({ where, data: { ...written, resolvedAt: new Date(services.clock.nowMs()) } });
  });
  await withdrawn;
  const { rows } = await admin.query('SELECT outcome, excuse_id FROM expected_occurrence WHERE id = $1', [
    occurrenceId,
  ]);
  expect(rows).toEqual([{ outcome: 'missed', excuse_id: null }]);
});

test('an excuse of one expected backup reaches until the next one was due, and a backup that was made is not excused', async () => {
  const occurrenceId = await plantAt(window.startMs + HOUR, 'missed');
  const made = await plantAt(window.startMs + 5 * HOUR, 'ok');
  services.clock.set(window.startMs + 10 * HOUR);
  await requestExcuse(services, tenant.owner, customerId, { occurrenceId, reason: 'Agreed by telephone.' });
  await rollUp(place);
  const { figures: json } = await withScope(services, tenant.system, (tx) =>
    tx.customerMonth.findUniqueOrThrow({
      where: { tenantId_customerId_month: { tenantId: tenant.id, customerId, month: MONTH } },
    }),
  );
  const figures = readFiguresJson(json);
  expect(figures.counts).toMatchObject({ missed: 0, excused: 1, ok: 1 });
  expect(figures.excusedMs).toBe(4 * HOUR);
  await expect(
    requestExcuse(services, tenant.owner, customerId, { occurrenceId: made, reason: 'No.' }),
  ).rejects.toThrow(/missed, failed or got stuck/);
  const foreign = { occurrenceId: newId(), reason: 'No.' };
  await expect(requestExcuse(services, tenant.owner, customerId, foreign)).rejects.toThrow(/no such/);
});

test('a contract is not written over one that somebody wrote meanwhile, long before or at the same moment', async () => {
  services.clock.set(window.startMs + HOUR);
  const wish = {
    terms: slaTerms.parse({
      tiers: [
        {
          ...{
            key: 'all',
            name: 'All',
            weight: 1,
            rpoMinutes: 60,
            rtoMinutes: 240,
            rpoShare: 0.99,
            successShare: 0.98,
          },
          ...{ drill: { level: 3, everyDays: 30 }, retentionDays: 30, integrityDays: 35 },
        },
      ],
      defaultTier: 'all',
      assignments: [],
      credits: [],
    }),
    validFromMs: window.startMs,
    reason: 'Agreed.',
  };
  await changeContract(services, tenant.owner, customerId, { ...wish, basedOn: null });
  await expect(changeContract(services, technician, customerId, { ...wish, basedOn: null })).rejects.toMatchObject({
    code: 'conflict',
  });
  const both = [technician, tenant.owner].map((who) =>
    changeContract(services, who, customerId, { ...wish, basedOn: 1 }),
  );
  expect((await Promise.allSettled(both)).map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  await expect(Promise.all(both)).rejects.toMatchObject({ code: 'conflict' });
});
