/** The devices that a look leaves out beside what every rule says of every device. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EndedRun } from '../../core/domain/alerts/device-facts.ts';
import { wantedAlerts } from '../../core/domain/alerts/evaluate.ts';
import { ALERT_KINDS } from '../../core/domain/alerts/kinds.ts';
import { builtInRule, parseParameters, type Rule } from '../../core/domain/alerts/rules.ts';
import type { OccurrenceOutcome } from '../../core/domain/outcome.ts';
import { withScope } from '../db/with-scope.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { createTestTenant, testPolicy, type TestTenant } from '../testing/test-services.ts';
import { loadDeviceFacts, loadPolicyFacts, type PolicyFacts } from './load-device-facts.ts';
import { type WatchedDevice, watchRow } from './watched-facts.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DEVICES = 400;
const seed = Date.now() % 2 ** 31;

let services: StartedTestServices;
let tenant: TestTenant;
let admin: pg.Client;
let nowMs: number;
let policies: ReadonlyMap<string, PolicyFacts>;

beforeAll(async () => {
  console.log(`seed ${seed}`);
  services = await startTestServices();
  ({ admin } = services);
  tenant = await createTestTenant(services, 'look');
  nowMs = services.clock.nowMs();
  // Rows of devices are no part of this: what is looked at is what stands in device_watch.
  await admin.query('SET session_replication_role = replica');
  await admin.query('UPDATE policy SET document = $2 WHERE id = $1', [
    tenant.customers[1].policyId,
    JSON.stringify({
      ...testPolicy,
      rpoMinutes: 3 * 1440,
      drill: { level: 4, everyHours: 96, sampleFiles: 5 },
      moreDrills: [{ level: 5, everyHours: 200, sampleFiles: 5 }],
    }),
  ]);
  policies = await withScope(services, tenant.system, (tx) => loadPolicyFacts(tx, tenant.id, nowMs));
  await plant();
});
afterAll(async () => await services.stop());

/** Devices as they might be; most of them well, for a look must leave out many. */
async function plant(): Promise<void> {
  const age = (max: number) => fc.integer({ min: 0, max }).map((ms) => nowMs - ms);
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 8 });
  const source = fc.record({
    sourceId: fc.constant(randomUUID()),
    addedMs: age(60 * DAY),
    usableMs: maybe(age(30 * HOUR)),
    firstSealedMs: maybe(age(300 * HOUR)),
    outcomes: fc.array(
      fc.oneof(
        { weight: 12, arbitrary: fc.constantFrom<OccurrenceOutcome>('ok', 'late', 'excused') },
        { weight: 1, arbitrary: fc.constantFrom<OccurrenceOutcome>('failed', 'missed', 'stuck') },
      ),
      { maxLength: 12 },
    ),
    lastRun: maybe(
      fc.oneof(
        { weight: 12, arbitrary: fc.constant<EndedRun>(ended('sealed', 'ok')) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(ended('failed', 'failed'), ended('aborted', 'failed'), ended('aborted', null)),
        },
      ),
    ),
    overdue: fc.oneof(
      { weight: 8, arbitrary: fc.constant(null) },
      {
        weight: 1,
        arbitrary: fc.record({ sinceMs: age(20 * DAY), points: fc.constant(1), lastGoneMs: fc.constant(null) }),
      },
    ),
    passedMs: fc.tuple(maybe(age(200 * HOUR)), maybe(age(200 * HOUR)), maybe(age(300 * HOUR))),
  });
  const device = fc.record({
    at: fc.nat(1),
    os: fc.constantFrom('linux', 'win32'),
    class: fc.constantFrom(null, 'server', 'workstation'),
    tags: fc.constantFrom([], ['gold']),
    enrolledMs: age(60 * DAY),
    sources: fc.array(source, { maxLength: 2, minLength: 0 }),
    seenMs: maybe(age(3 * HOUR)),
    listedMs: maybe(age(8 * DAY)),
  });
  for (const one of fc.sample(device, { seed, numRuns: DEVICES })) {
    const { id: customerId, policyId } = tenant.customers[one.at === 0 ? 0 : 1];
    const [deviceId, vaultId] = [randomUUID(), randomUUID()];
    const watched: WatchedDevice = {
      deviceId,
      customerId,
      vaultId,
      facts: {
        ...{
          name: 'd',
          host: 'd',
          agent: '1.0',
          custody: null,
          policyId,
          os: one.os,
          class: one.class,
          tags: one.tags,
        },
        enrolledMs: one.enrolledMs,
        sources: one.sources,
      },
    };
    const insert = async (table: string, row: object): Promise<unknown> =>
      await admin.query(
        `INSERT INTO ${table} (${Object.keys(row).join(', ')}) SELECT ${Object.keys(row).join(', ')} FROM jsonb_populate_record(NULL::${table}, $1)`,
        [JSON.stringify(row)],
      );
    const own = { tenant_id: tenant.id, customer_id: customerId, device_id: deviceId };
    await insert('device_watch', watchRow(tenant.id, watched));
    if (one.seenMs !== null) await insert('device_state', { ...own, last_seen_at: new Date(one.seenMs) });
    const due = {
      listing_due_at: new Date(nowMs),
      reading_due_at: new Date(nowMs),
      decrypting_due_at: new Date(nowMs),
    };
    if (one.listedMs !== null)
      await insert('vault_check', { ...own, ...due, vault_id: vaultId, listed_at: new Date(one.listedMs) });
  }
}

function ended(state: EndedRun['state'], outcome: EndedRun['outcome']): EndedRun {
  return { state, outcome, errorCode: null, errorMessage: null };
}

/** Any set of rules: built-in ones that are on or off, and some of one's own with other limits. */
const anyRules: fc.Arbitrary<Rule[]> = fc
  .tuple(
    fc.array(fc.boolean(), { minLength: ALERT_KINDS.length, maxLength: ALERT_KINDS.length }),
    fc.array(
      fc.record({
        kind: fc.constantFrom('no_point', 'failing', 'missed', 'silent', 'drill_overdue', 'upkeep', 'retention'),
        length: fc.integer({ min: 2, max: 90 }),
      }),
      { maxLength: 3 },
    ),
  )
  .map(([areOn, own]) => [
    ...ALERT_KINDS.map((kind, at) => ({ ...builtInRule(kind), isEnabled: areOn[at]! })),
    ...own.map(({ kind, length }) => ownRule(kind, length)),
  ]);

function ownRule(
  kind: 'no_point' | 'failing' | 'missed' | 'silent' | 'drill_overdue' | 'upkeep' | 'retention',
  length: number,
): Rule {
  const limits = {
    no_point: { serverHours: length, workstationHours: length * 2 },
    failing: { runs: 2 + (length % 9) },
    missed: { backups: 1 + (length % 10) },
    silent: { hours: length },
    drill_overdue: { graceHours: length },
    upkeep: { days: length },
    retention: { overdueDays: length },
  };
  return { ...builtInRule(kind), id: randomUUID(), parameters: parseParameters(kind, limits[kind]) };
}

test('no device is left out of a look for which any rule calls, whatever the rules and the device', async () => {
  let [lookedAt, called] = [0, 0];
  const load = async (rules: readonly Rule[], atMs: number, always: readonly string[]) =>
    await loadDeviceFacts(
      services,
      tenant.system,
      { policies, rules, nowMs: atMs, always },
      { afterId: '00000000-0000-0000-0000-000000000000', limit: DEVICES },
    );
  const { rows } = await admin.query<{ device_id: string }>('SELECT device_id FROM device_watch');
  const all = await load(
    [],
    nowMs,
    rows.map(({ device_id: id }) => id),
  );
  expect(all).toHaveLength(DEVICES);
  await fc.assert(
    fc.asyncProperty(anyRules, fc.integer({ min: 0, max: 40 * HOUR }), async (rules, laterMs) => {
      const atMs = nowMs + laterMs;
      const calls = all.filter((facts) => wantedAlerts(facts, rules, atMs).length > 0).map(({ deviceId }) => deviceId);
      const looked = new Set((await load(rules, atMs, [])).map(({ deviceId }) => deviceId));
      expect(calls.filter((id) => !looked.has(id))).toEqual([]);
      lookedAt += looked.size;
      called += calls.length;
    }),
    { seed, numRuns: 120, endOnFailure: true },
  );
  // Else the guarantee above would be kept by looking at every one, or by rules that never call.
  expect(called).toBeGreaterThan(0);
  expect(lookedAt).toBeLessThan(0.9 * 120 * DEVICES);
});

test('a device with an alert that stands is looked at, however well it is, and pages go on by id', async () => {
  const { rows } = await admin.query<{ device_id: string }>('SELECT device_id FROM device_watch ORDER BY device_id');
  const always = rows.map(({ device_id: id }) => id);
  const wish = { policies, rules: [], nowMs, always };
  const first = await loadDeviceFacts(services, tenant.system, wish, { afterId: always[9]!, limit: 20 });
  expect(first.map(({ deviceId }) => deviceId)).toEqual(always.slice(10, 30));
});
