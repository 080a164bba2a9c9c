/**
 * A customer's month on a real database: contract, excused time, close, amendments. Rows are written as the agent's runs would
 * leave them, at times that a seed chooses; figures are compared with a direct reading of those rows.
 */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HoldfastError } from '../../core/base/errors.ts';
import { daysOfMonth, monthWindow } from '../../core/domain/calendar.ts';
import { slaTerms, type SlaTerms } from '../../core/domain/sla/contract.ts';
import type { CustomerFigures } from '../../core/domain/sla/customer-figures.ts';
import { seededRandom } from '../../core/domain/drills.ts';
import { type Scope, scopeForUser } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import { claimIntent } from '../jobs/claims.ts';
import { enqueueIntent } from '../jobs/intents.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { sumWalked, type Walked, walkRows } from '../testing/walk-rows.ts';
import { changeContract } from './change-contract.ts';
import { recomputeMonth, tryTerms } from './compute-month.ts';
import { decideExcuse, requestExcuse, setExcuseRule, withdrawExcuse } from './excuses.ts';
import { markDirty } from './mark-dirty.ts';
import { rollUpTenantDays } from './roll-up-days.ts';
import { readFiguresJson, readStandingJson } from './read-figures.ts';
import { rollUpMonth } from './roll-up.ts';
import { viewFleetSla } from './view-fleet-sla.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

const HOUR = 3_600_000;
const ZONE = 'Europe/Stockholm';
const MONTH = '2026-10';
const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

let services: StartedTestServices;
let admin: pg.Client;
let tenant: TestTenant;
let customerId: string;
let technician: Scope;
/** Two sources, of two devices. */
let sources: { id: string; deviceId: string; vaultId: string }[];
const window = monthWindow(MONTH, ZONE);

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
});
afterAll(() => services.stop());

beforeEach(async () => {
  services.clock.set(window.startMs - 10 * 24 * HOUR);
  tenant = await createTestTenant(services, 'sla');
  customerId = tenant.customers[0].id;
  await admin.query('UPDATE customer SET timezone = $1 WHERE id = $2', [ZONE, customerId]);
  const id = randomUUID();
  await admin.query(
    `INSERT INTO app_user (tenant_id, id, email, name, role, password_hash) VALUES ($1, $2, $3, 'Second', 'technician', 'none')`,
    [tenant.id, id, `${id}@x.test`],
  );
  technician = scopeForUser({ tenantId: tenant.id, id, customerId: null, role: 'technician' });
  sources = [];
  for (let n = 0; n < 2; n++) sources.push(await plantSource());
});

async function plantSource(): Promise<(typeof sources)[number]> {
  const [id, deviceId, vaultId] = [randomUUID(), randomUUID(), randomUUID()];
  const at = new Date(services.clock.nowMs());
  const own = [tenant.id, customerId, deviceId];
  await admin.query(
    `INSERT INTO device (tenant_id, customer_id, id, policy_id, name, hostname, os, arch, agent_version, public_key, enrolled_at)
     VALUES ($1, $2, $3, $4, 'srv', 'srv', 'linux', 'x64', '0', 'none', $5)`,
    [...own, tenant.customers[0].policyId, at],
  );
  await admin.query(
    `INSERT INTO source (tenant_id, customer_id, device_id, id, kind, name, created_at) VALUES ($1, $2, $3, $4, 'files', 'Files', $5)`,
    [...own, id, at],
  );
  await admin.query(
    `INSERT INTO vault (tenant_id, customer_id, device_id, id, prefix, custody, state) VALUES ($1, $2, $3, $4, $5, 'escrowed', 'new')`,
    [...own, vaultId, `v/${tenant.id}/${vaultId}`],
  );
  return { id, deviceId, vaultId };
}

/** What a run leaves: the expected backup with its outcome, and the point that came of it. Returns the ids. */
async function plantBackup(
  source: (typeof sources)[number],
  dueMs: number,
  outcome: 'ok' | 'late' | 'partial' | 'missed' | 'failed',
  options: { isUsable?: boolean } = {},
): Promise<{ occurrenceId: string; pointId: string | null }> {
  const [occurrenceId, runId, pointId] = [randomUUID(), randomUUID(), randomUUID()];
  const own = [tenant.id, customerId, source.deviceId, source.id];
  const date = (ms: number): Date => new Date(ms);
  const isMade = outcome === 'ok' || outcome === 'late' || outcome === 'partial';
  await admin.query(
    `INSERT INTO expected_occurrence (tenant_id, customer_id, device_id, source_id, id, due_at, window_end, outcome, resolved_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7)`,
    [...own, occurrenceId, date(dueMs), date(dueMs + HOUR), outcome],
  );
  if (!isMade) return { occurrenceId, pointId: null };
  const sealed = date(dueMs + (outcome === 'late' ? 2 : 0.5) * HOUR);
  await admin.query(
    `INSERT INTO backup_run (tenant_id, customer_id, device_id, source_id, vault_id, id, occurrence_id, trigger, state, outcome,
       started_at, last_progress_at, committed_at, finished_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'schedule', 'sealed', $8, $9, $10, $10, $10)`,
    [...own, source.vaultId, runId, occurrenceId, outcome === 'partial' ? 'partial' : 'ok', date(dueMs), sealed],
  );
  await admin.query('UPDATE expected_occurrence SET run_id = $1 WHERE id = $2', [runId, occurrenceId]);
  await admin.query(
    `INSERT INTO restore_point (tenant_id, customer_id, device_id, source_id, vault_id, id, run_id, snapshot_id, tree_id, capture_at,
       committed_at, sealed_at, state, outcome, is_usable, files, bytes, stored_bytes, pack_ids, witness)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $12, $12, $8, $9, $9, 'sealed', $10, $11, 1, 1, 1, '{}', '[]')`,
    [
      ...own,
      source.vaultId,
      pointId,
      runId,
      date(dueMs),
      sealed,
      outcome === 'partial' ? 'partial' : 'ok',
      options.isUsable ?? true,
      randomUUID().replaceAll('-', '').repeat(2),
    ],
  );
  return { occurrenceId, pointId };
}

/** A month of backups every six hours; what becomes of each is chosen by the seed. */
async function plantMonth(source: (typeof sources)[number], random: () => number): Promise<void> {
  for (let dueMs = window.startMs - 24 * HOUR; dueMs < window.endMs; dueMs += 6 * HOUR) {
    const pick = random();
    const outcome =
      pick < 0.8 ? 'ok' : pick < 0.86 ? 'late' : pick < 0.9 ? 'partial' : pick < 0.95 ? 'missed' : 'failed';
    await plantBackup(source, dueMs, outcome, { isUsable: outcome !== 'partial' || random() < 0.5 });
  }
}

async function rollUp(month = MONTH): Promise<void> {
  const claim = await withScope(services, tenant.system, async (tx) => {
    const id = await enqueueIntent(tx, tenant.system, 'rollup', { customerId, month });
    await tx.$executeRaw`UPDATE job_intent SET state = 'dispatched', dispatched_at = now() WHERE id = ${id}::uuid`;
    return id!;
  });
  const claimed = await claimIntent(services, tenant.id, claim);
  await rollUpMonth(services, claimed!, { customerId, month });
}

async function monthRow(month = MONTH) {
  return await withScope(services, tenant.system, (tx) =>
    tx.customerMonth.findUniqueOrThrow({
      where: { tenantId_customerId_month: { tenantId: tenant.id, customerId, month } },
    }),
  );
}
const figuresNow = async (): Promise<CustomerFigures> => readFiguresJson((await monthRow()).figures);

const terms = (rpoMinutes: number, more: Partial<SlaTerms> = {}): SlaTerms =>
  slaTerms.parse({
    tiers: [
      {
        key: 'servers',
        name: 'Servers',
        weight: 3,
        rpoMinutes,
        rtoMinutes: 240,
        rpoShare: 0.99,
        successShare: 0.98,
        drill: { level: 3, everyDays: 30 },
        retentionDays: 30,
        integrityDays: 35,
      },
    ],
    defaultTier: 'servers',
    assignments: [],
    credits: [
      { below: 0.99, percent: 5 },
      { below: 0.5, percent: 20 },
    ],
    ...more,
  });

const walkDays = (sourceId: string, rpoMinutes: number) => walkRows(admin, sourceId, rpoMinutes, window, ZONE);
const walk = async (sourceId: string, rpoMinutes: number, span = window) =>
  sumWalked(await walkRows(admin, sourceId, rpoMinutes, span, ZONE));

describe('a month', () => {
  test(`is what a walk over its rows, step by step, counts, for the customer, each day and the provider (seed ${seed})`, async () => {
    const random = seededRandom(`month/${seed}`);
    for (const source of sources) await plantMonth(source, random);
    services.clock.set(window.endMs + HOUR);
    await rollUp();
    const figures = await figuresNow();
    const walked = await Promise.all([walk(sources[0]!.id, 120), walk(sources[1]!.id, 120)]);
    const shares = walked.map(({ minutes, bad }) => 1 - bad / minutes);
    expect(figures.attainment).toBeCloseTo((shares[0]! + shares[1]!) / 2, 10);
    expect(figures.worst!.share).toBeCloseTo(Math.min(...shares), 10);
    const { rows } = await admin.query<{ outcome: string; n: string }>(
      `SELECT outcome, count(*) AS n FROM expected_occurrence WHERE customer_id = $1 AND due_at >= $2 AND due_at < $3 GROUP BY 1`,
      [customerId, new Date(window.startMs), new Date(window.endMs)],
    );
    for (const { outcome, n } of rows) expect(figures.counts).toMatchObject({ [outcome]: Number(n) });
    const days = await withScope(services, tenant.system, (tx) =>
      tx.customerDay.findMany({ where: { tenantId: tenant.id, customerId }, orderBy: { day: 'asc' } }),
    );
    expect(days.map(({ day }) => day)).toEqual(daysOfMonth(MONTH));
    let violation = 0;
    const byDay = await Promise.all(sources.map(({ id }) => walkDays(id, 120)));
    for (const day of days) {
      const [a, b] = byDay.map((walkedDays) => walkedDays.get(day.day)!) as [Walked, Walked];
      expect(Number(day.windowSeconds)).toBe((a.minutes + b.minutes) * 60);
      expect(Number(day.violationSeconds)).toBe((a.bad + b.bad) * 60);
      violation += a.bad + b.bad;
    }
    // In this month the clock is set back: one day of it has 25 hours.
    expect(days.map(({ windowSeconds }) => Number(windowSeconds) / 7200)).toContain(25);
    expect(walked[0].bad + walked[1].bad).toBe(violation);
    await withScope(services, tenant.system, (tx) =>
      rollUpTenantDays(tx, tenant.id, '2026-01-01', services.clock.nowMs()),
    );
    const provider = await withScope(services, tenant.system, (tx) =>
      tx.tenantDay.findMany({ where: { tenantId: tenant.id } }),
    );
    expect(provider.length).toBe(days.length);
    const total = (all: readonly { violationSeconds: bigint; missed: number }[]) =>
      all.reduce((sum, one) => sum + Number(one.violationSeconds) + one.missed, 0);
    expect(total(provider)).toBe(total(days));
    const row = await monthRow();
    const { service } = readStandingJson(row.standing)!;
    expect(await viewFleetSla(services, tenant.owner, { month: MONTH, page: 1 })).toMatchObject({
      customers: [{ customerId, attainment: row.attainment, sources: row.sources, isFrozen: row.frozenAt !== null }],
      total: 1,
      sums: { sources: row.sources, belowTarget: row.belowTarget },
      service: {
        silentMs: service.silentMs,
        breaches: service.breaches,
        undetected: service.undetected,
        latencyMs: service.latencyMs,
        falseGreen: service.falseGreen,
      },
      serviceLines: service.silentMs > 0 ? [{ customerId, silentMs: service.silentMs }] : [],
    });
  });

  test('is the same however it came about: source by source by marks, or all at once', async () => {
    const random = seededRandom(`again/${seed}`);
    await plantMonth(sources[0]!, random);
    services.clock.set(window.startMs + 20 * 24 * HOUR + 1234);
    await rollUp();
    await plantMonth(sources[1]!, random);
    await withScope(services, tenant.system, async (tx) => {
      const place = { tenantId: tenant.id, customerId, sourceId: sources[1]!.id, timeZone: ZONE };
      const span = { fromMs: window.startMs, untilMs: services.clock.nowMs() };
      expect(await markDirty(services, tx, place, span, 'backup_sealed')).toEqual([MONTH]);
    });
    await rollUp();
    const { changes } = await recomputeMonth(services, tenant.owner, customerId, MONTH);
    expect(changes).toEqual([]);
    expect(
      await withScope(services, tenant.system, (tx) => tx.slaDirty.count({ where: { tenantId: tenant.id } })),
    ).toBe(0);
  });

  test('freezes when it is over; a point that is locked away later is an amendment, and what was said stays said', async () => {
    for (const source of sources)
      for (let dueMs = window.startMs - 1.5 * HOUR; dueMs < window.endMs; dueMs += 1.5 * HOUR)
        await plantBackup(source, dueMs, 'ok');
    services.clock.set(window.endMs - 1000);
    await rollUp();
    expect((await monthRow()).frozenAt).toBeNull();
    services.clock.set(window.endMs + 60_000);
    await rollUp();
    const closed = await monthRow();
    expect(closed.frozenAt).not.toBeNull();
    expect(readFiguresJson(closed.frozen).attainment).toBe(1);
    // Three days of points of one source are found damaged.
    const from = window.startMs + 5 * 24 * HOUR;
    await admin.query(
      `UPDATE restore_point SET state = 'quarantined', quarantine_reason = 'planted', is_usable = false WHERE source_id = $1 AND sealed_at >= $2 AND sealed_at < $3`,
      [sources[0]!.id, new Date(from), new Date(from + 72 * HOUR)],
    );
    services.clock.advance(3 * 24 * HOUR);
    await withScope(services, tenant.system, async (tx) => {
      const place = { tenantId: tenant.id, customerId, sourceId: sources[0]!.id, timeZone: ZONE };
      await markDirty(services, tx, place, { fromMs: from, untilMs: services.clock.nowMs() }, 'point_locked');
    });
    await rollUp();
    const amended = await monthRow();
    expect(amended.frozen).toEqual(closed.frozen);
    expect(readFiguresJson(amended.figures).attainment).toBeLessThan(1);
    const read = () =>
      withScope(services, tenant.system, (tx) =>
        tx.slaAmendment.findMany({ where: { tenantId: tenant.id, month: MONTH } }),
      );
    const rows = await read();
    expect(rows.find(({ figure }) => figure === 'attainment')).toMatchObject({
      before: 1,
      after: readFiguresJson(amended.figures).attainment,
      cause: 'point_locked',
    });
    // Once more without a change: nothing is added.
    await rollUp();
    expect((await read()).length).toBe(rows.length);
    const again = await recomputeMonth(services, tenant.owner, customerId, MONTH);
    expect(again.changes.map(({ figure }) => figure)).toContain('attainment');
    expect(again.figures.attainment).toBeCloseTo(readFiguresJson(amended.figures).attainment!, 12);
    await expect(
      admin.query(`UPDATE customer_month SET frozen = '{}' WHERE tenant_id = $1`, [tenant.id]),
    ).rejects.toThrow('is frozen');
  });

  test('waits a day for backups that are still expected, and no longer', async () => {
    await plantBackup(sources[0]!, window.startMs + HOUR, 'ok');
    await admin.query(
      `INSERT INTO expected_occurrence (tenant_id, customer_id, device_id, source_id, id, due_at, window_end)
       VALUES ($1, $2, $3, $4, gen_random_uuid(), $5, $6)`,
      [
        tenant.id,
        customerId,
        sources[0]!.deviceId,
        sources[0]!.id,
        new Date(window.endMs - HOUR),
        new Date(window.endMs),
      ],
    );
    services.clock.set(window.endMs + 60_000);
    await rollUp();
    expect((await monthRow()).frozenAt).toBeNull();
    services.clock.set(window.endMs + 24 * HOUR);
    await rollUp();
    expect((await monthRow()).frozenAt).not.toBeNull();
  });
});

describe('a contract', () => {
  test('is measured by the version that holds, and only by staff changed, from this month on', async () => {
    const random = seededRandom(`contract/${seed}`);
    for (const source of sources) await plantMonth(source, random);
    const half = window.startMs + 15 * 24 * HOUR;
    services.clock.set(window.startMs + HOUR);
    await changeContract(services, tenant.owner, customerId, {
      terms: terms(480),
      validFromMs: window.startMs,
      reason: 'New.',
    });
    await changeContract(services, technician, customerId, { terms: terms(60), validFromMs: half, reason: 'Tighter.' });
    services.clock.set(window.endMs + HOUR);
    await rollUp();
    const figures = await figuresNow();
    const shares = await Promise.all(
      sources.map(async ({ id }) => {
        const first = await walk(id, 480, { startMs: window.startMs, endMs: half });
        const second = await walk(id, 60, { startMs: half, endMs: window.endMs });
        return 1 - (first.bad + second.bad) / (first.minutes + second.minutes);
      }),
    );
    expect(figures.attainment).toBeCloseTo((shares[0]! + shares[1]!) / 2, 10);
    expect(figures.versions).toEqual([1, 2]);
    expect(figures.credit).toBeGreaterThan(0);
    const early = { terms: terms(60), validFromMs: window.endMs - 1, reason: 'Late.' };
    await expect(changeContract(services, tenant.owner, customerId, early)).rejects.toThrow(/first day of this month/);
    const now = { terms: terms(60), validFromMs: services.clock.nowMs(), reason: 'x' };
    await expect(changeContract(services, tenant.customers[0].viewer, customerId, now)).rejects.toThrow(HoldfastError);
    const foreign = terms(60, { assignments: [{ kind: 'source', id: randomUUID(), tier: 'servers' }] });
    await expect(changeContract(services, tenant.owner, customerId, { ...now, terms: foreign })).rejects.toThrow(
      /does not belong/,
    );
    await expect(changeContract(services, tenant.owner, customerId, { ...now, reason: ' ' })).rejects.toThrow(
      /Say why/,
    );
    await expect(admin.query(`SET ROLE holdfast_app; UPDATE sla_contract_version SET reason = 'x'`)).rejects.toThrow(
      /permission denied/,
    );
    await admin.query('RESET ROLE');
  });

  test('can be tried on a month that is over without writing a word', async () => {
    const random = seededRandom(`what-if/${seed}`);
    for (const source of sources) await plantMonth(source, random);
    services.clock.set(window.endMs + HOUR);
    await rollUp();
    const before = await monthRow();
    const found = await tryTerms(services, tenant.owner, customerId, { month: MONTH, terms: terms(45) });
    const walked = await Promise.all(sources.map(({ id }) => walk(id, 45)));
    const share = walked.reduce((sum, { minutes, bad }) => sum + 1 - bad / minutes, 0) / 2;
    expect(found.wouldBe.attainment).toBeCloseTo(share, 10);
    expect(found.now.attainment).toBeCloseTo(before.attainment!, 12);
    expect(found.wouldBe.tiers.map(({ tier }) => tier.key)).toEqual(['servers']);
    expect(await monthRow()).toEqual(before);
  });
});

describe('excused time', () => {
  test('needs a second person where the provider wants it, restates the month, and counts again when it is withdrawn', async () => {
    for (let dueMs = window.startMs - HOUR; dueMs < window.startMs + 48 * HOUR; dueMs += HOUR)
      await plantBackup(
        sources[0]!,
        dueMs,
        dueMs >= window.startMs + 10 * HOUR && dueMs < window.startMs + 20 * HOUR ? 'missed' : 'ok',
      );
    services.clock.set(window.startMs + 48 * HOUR);
    await rollUp();
    const before = await figuresNow();
    expect(before.counts.missed).toBe(10);
    const wish = {
      deviceId: sources[0]!.deviceId,
      startMs: window.startMs + 10 * HOUR,
      endMs: window.startMs + 20 * HOUR,
      reason: 'The building had no power.',
    };
    await expect(requestExcuse(services, tenant.customers[0].viewer, customerId, wish)).rejects.toThrow(HoldfastError);
    await expect(setExcuseRule(services, technician, true)).rejects.toThrow(HoldfastError);
    await setExcuseRule(services, tenant.owner, true);
    const { id, isApproved } = await requestExcuse(services, technician, customerId, wish);
    expect(isApproved).toBe(false);
    await rollUp();
    expect((await figuresNow()).counts.missed).toBe(10);
    await expect(decideExcuse(services, technician, id, { isApproved: true, words: null })).rejects.toThrow(
      /Somebody else/,
    );
    await decideExcuse(services, tenant.owner, id, { isApproved: true, words: 'Seen in the log.' });
    await rollUp();
    const excused = await figuresNow();
    expect(excused.counts).toMatchObject({ missed: 0, excused: 10 });
    expect(excused.excusedMs).toBe(10 * HOUR);
    const { minutes, bad } = await walk(sources[0]!.id, 120, {
      startMs: window.startMs,
      endMs: services.clock.nowMs(),
    });
    const { rows } = await admin.query<{ window_seconds: string; violation_seconds: string }>(
      'SELECT window_seconds, violation_seconds FROM source_month WHERE source_id = $1 AND month = $2',
      [sources[0]!.id, MONTH],
    );
    expect(Number(rows[0]!.window_seconds)).toBe(minutes * 60);
    expect(Number(rows[0]!.violation_seconds)).toBe(bad * 60);
    await expect(decideExcuse(services, tenant.owner, id, { isApproved: false, words: null })).rejects.toThrow(
      /decided/,
    );
    await withdrawExcuse(services, tenant.owner, id, 'It was not the power.');
    await rollUp();
    expect(await figuresNow()).toEqual(before);
  });
});
