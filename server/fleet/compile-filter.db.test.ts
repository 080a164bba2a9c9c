/** The filter language in SQL and in TypeScript, and the light in both: on random devices they answer alike. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { matchFilter } from '../../core/domain/fleet-filter/match-filter.ts';
import { printFilter } from '../../core/domain/fleet-filter/print-filter.ts';
import { randomFilter, randomRecord } from '../../core/domain/fleet-filter/testing/random-filter.ts';
import { OCCURRENCE_OUTCOMES, PROTECTION_STATES, type ProtectionState } from '../../core/domain/outcome.ts';
import { withScope } from '../db/with-scope.ts';
import { createTestTenant, type TestTenant, testPolicy } from '../testing/test-services.ts';
import { compileFilter } from './compile-filter.ts';
import { toFleetRecord } from './fleet-record.ts';
import { type FleetFactsRow, fleetColumns, withFleet } from './fleet-rows.ts';
import { listFleet } from './list-fleet.ts';
import { saveOwnField } from './own-fields.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

const HOUR = 3_600_000;
const DEVICES = 150;
const seed = Date.now() % 2 ** 31;

let services: StartedTestServices;
let tenant: TestTenant;
let nowMs: number;
let rows: FleetFactsRow[];

beforeAll(async () => {
  console.log(`seed ${seed}`);
  services = await startTestServices();
  tenant = await createTestTenant(services, 'fleet');
  nowMs = services.clock.nowMs();
  const admin = new pg.Client({ connectionString: services.database.databaseUrl });
  await admin.connect();
  await insertDevices(admin);
  await admin.end();
  for (const label of ['site', 'seats'])
    await saveOwnField(services, tenant.owner, { id: null, label, kind: 'text', choices: [] });
  const now = new Date(nowMs);
  rows = await withScope(
    services,
    tenant.owner,
    (tx) => tx.$queryRaw<FleetFactsRow[]>`${withFleet(tenant.id, now)} SELECT ${fleetColumns} FROM f ORDER BY f.id`,
  );
});
afterAll(() => services.stop());

/** Facts that no real device could have together are there too: the two must agree on anything. */
async function insertDevices(admin: pg.Client): Promise<void> {
  const records = fc.sample(randomRecord(nowMs), { seed, numRuns: DEVICES });
  const hours = fc.sample(fc.option(fc.integer({ min: -3, max: 6 }), { nil: null, freq: 4 }), {
    seed,
    numRuns: DEVICES * 12,
  });
  let drawn = 0;
  const at = (): string | null => {
    const hour = hours[drawn++ % hours.length] ?? null;
    return hour === null ? null : new Date(nowMs - hour * HOUR).toISOString();
  };
  const pick = <T>(values: readonly T[], index: number): T => values[index % values.length]!;
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  for (const [index, record] of records.entries()) {
    const id = randomUUID();
    const customerId = randomUUID();
    const policyId = randomUUID();
    const own = { tenant_id: tenant.id, customer_id: customerId };
    const document = {
      ...testPolicy,
      rpoMinutes: 60 * (1 + (index % 4)),
      drill: { ...testPolicy.drill, everyHours: 1 + (index % 3) },
    };
    // Every second one is in order but for its points: what would show worse hides partial, unknown and proven.
    const isCalm = index % 2 === 0;
    const newest = isCalm ? time(nowMs - HOUR / 2) : at();
    const run = index % 5 === 0 ? null : isCalm ? 'sealed' : (record.run ?? 'running');
    const verdict = isCalm ? pick([null, 'passed'], index / 2) : pick([null, 'passed', 'passed', 'failed'], index);
    const openWindowEnd = isCalm ? null : at();
    const inserted: [string, object][] = [
      [
        'customer',
        { tenant_id: tenant.id, id: customerId, name: record.customer, timezone: 'UTC', created_at: time(nowMs) },
      ],
      [
        'policy',
        {
          ...own,
          id: policyId,
          name: record.policy,
          version: 1,
          document,
          created_at: time(nowMs),
          updated_at: time(nowMs),
        },
      ],
      [
        'device',
        {
          ...own,
          id,
          policy_id: policyId,
          name: record.name,
          hostname: record.host,
          os: record.os,
          arch: 'x64',
          agent_version: record.agent,
          public_key: 'none',
          enrolled_at: time(record.enrolledAtMs),
          suspected_clone_at: record.flags.includes('clone') ? time(nowMs) : null,
          tags: record.tags,
        },
      ],
      [
        'device_state',
        {
          ...own,
          device_id: id,
          last_seen_at: time(record.seenAtMs),
          sequence: 0,
          policy_version: 0,
          clock_offset_ms: 0,
        },
      ],
    ];
    for (const [table, row] of inserted)
      await admin.query(`INSERT INTO ${table} SELECT * FROM jsonb_populate_record(NULL::${table}, $1)`, [
        JSON.stringify(row),
      ]);
    // What the triggers marked is computed, which fills agent_order; then the facts are replaced by random ones.
    const summary = {
      ...own,
      device_id: id,
      custody: record.custody,
      newest_capture_at: newest,
      newest_state:
        newest === null ? null : isCalm ? 'sealed' : pick(['sealed', 'sealed', 'sealed', 'quarantined'], index),
      newest_outcome: newest === null ? null : 'ok',
      newest_is_usable: newest === null ? null : index % 3 !== 0,
      newest_level: record.level,
      usable_capture_at: isCalm && record.dataAtMs !== null ? time(nowMs - HOUR / 2) : time(record.dataAtMs),
      usable_outcome: record.dataAtMs === null ? null : 'ok',
      usable_level: record.level,
      usable_bytes: record.sizeBytes,
      usable_stored_bytes: record.addedBytes,
      run_state: run,
      run_id: run === null ? null : randomUUID(),
      run_started_at: run === null ? null : (time(record.ranAtMs) ?? time(nowMs)),
      run_progress_at: run === null ? null : (at() ?? time(nowMs)),
      last_outcome: isCalm ? pick(['ok', 'late', 'excused', null], index / 2) : pick([record.last, null, 'ok'], index),
      open_window_end: openWindowEnd,
      next_due_at: time(record.nextAtMs),
      next_window_end: record.nextAtMs === null ? null : isCalm ? time(nowMs + 9 * HOUR) : at(),
      verdict,
      verdict_at: verdict === null ? null : (at() ?? time(nowMs - HOUR)),
      proof_at: time(record.proofAtMs),
      loss_at: index % 11 === 2 ? at() : null,
      rto_ms: record.rtoMs,
      is_rto_estimated: false,
      bad_objects: index % 14 === 1 ? record.damage : 0,
      open_alerts: record.alerts,
      is_checking: record.flags.includes('busy'),
      computed_at: time(nowMs),
      agent_order: null,
      ...(index < PROTECTION_STATES.length ? { ...healthy(time), ...ONE_OF_EACH[PROTECTION_STATES[index]!] } : {}),
    };
    await admin.query('INSERT INTO device_summary SELECT * FROM jsonb_populate_record(NULL::device_summary, $1)', [
      JSON.stringify(summary),
    ]);
    if (record.note !== null || Object.keys(record.own).length > 0)
      await admin.query('INSERT INTO device_card SELECT * FROM jsonb_populate_record(NULL::device_card, $1)', [
        JSON.stringify({ ...own, device_id: id, note: record.note ?? '', values: record.own }),
      ]);
  }
  await admin.query(
    `UPDATE device_summary s SET agent_order = string_to_array(regexp_replace(coalesce(substring(d.agent_version FROM '^[0-9]{1,9}(?:[.][0-9]{1,9})*'), '0'), '([.]0+)+$', ''), '.')::int[]
       FROM device d WHERE d.id = s.device_id`,
  );
  await admin.query('DELETE FROM device_dirty');
}

const healthy = (time: (ms: number) => string | null) => ({
  newest_capture_at: time(nowMs - HOUR / 2),
  newest_state: 'sealed',
  newest_outcome: 'ok',
  newest_is_usable: true,
  usable_capture_at: time(nowMs - HOUR / 2),
  usable_outcome: 'ok',
  usable_level: 1,
  run_id: null,
  run_state: null,
  run_started_at: null,
  run_progress_at: null,
  last_outcome: 'ok',
  open_window_end: null,
  next_due_at: null,
  next_window_end: null,
  verdict: null,
  verdict_at: null,
  loss_at: null,
  bad_objects: 0,
});
/** So that every light occurs, whatever chance does. */
const ONE_OF_EACH: Readonly<Record<ProtectionState, object>> = {
  damaged: { bad_objects: 1 },
  failed: { last_outcome: 'failed' },
  stuck: { last_outcome: 'stuck' },
  missed: { last_outcome: 'missed' },
  late: { open_window_end: new Date(0).toISOString() },
  partial: { newest_is_usable: false },
  unknown: {
    newest_capture_at: null,
    newest_state: null,
    newest_is_usable: null,
    usable_capture_at: null,
    usable_level: null,
  },
  protected: {},
  proven: { usable_level: 3 },
};

test('the light in SQL is the light of core/domain, for every device', () => {
  const lights = rows.map((row) => [row.id, PROTECTION_STATES[row.status], row.name]);
  expect(lights).toEqual(rows.map((row) => [row.id, toFleetRecord(row, nowMs).status, row.name]));
  // Every light and outcome occurs, or the test would compare little.
  expect(PROTECTION_STATES.filter((state) => !lights.some(([, light]) => light === state))).toEqual([]);
  expect(new Set(rows.map((row) => row.last_outcome)).size).toBeGreaterThan(OCCURRENCE_OUTCOMES.length / 2);
});

test('any filter lets the same devices through in SQL and in TypeScript', async () => {
  const records = rows.map((row) => ({ id: row.id, record: toFleetRecord(row, nowMs) }));
  const now = new Date(nowMs);
  let some = 0;
  await fc.assert(
    fc.asyncProperty(randomFilter, async ({ where }) => {
      const found = await withScope(
        services,
        tenant.owner,
        (tx) =>
          tx.$queryRaw<
            { id: string }[]
          >`${withFleet(tenant.id, now)} SELECT f.id FROM f WHERE ${compileFilter(where, now)} ORDER BY f.id`,
      );
      const expected = records.filter(({ record }) => matchFilter(where, record, nowMs)).map(({ id }) => id);
      expect(found.map(({ id }) => id)).toEqual(expected);
      if (expected.length > 0 && expected.length < records.length) some++;
    }),
    { seed, numRuns: 300 },
  );
  expect(some).toBeGreaterThan(100);
});

test('the pages of any list hold each of its devices once, in one order, whatever it is sorted by', async () => {
  await fc.assert(
    fc.asyncProperty(randomFilter, fc.integer({ min: 10, max: 60 }), async (filter, size) => {
      const whole = await listFleet(services, tenant.owner, { filter, after: null, rows: 1000, withBars: false });
      const paged: string[] = [];
      let after: string | null = null;
      do {
        const page = await listFleet(services, tenant.owner, { filter, after, rows: size, withBars: false });
        expect(page.rows.length, printFilter(filter)).toBeLessThanOrEqual(size);
        paged.push(...page.rows.map(({ id }) => id));
        after = page.next;
      } while (after !== null);
      expect(paged).toEqual(whole.rows.map(({ id }) => id));
      expect(new Set(paged).size).toBe(paged.length);
    }),
    { seed, numRuns: 25 },
  );
});
