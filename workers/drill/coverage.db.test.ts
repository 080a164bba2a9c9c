/** What the database says of ten thousand sources is what the pure rules say of each one's drills. */
import { randomInt, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DrillCheck, levelReached } from '../../core/domain/drill-checks.ts';
import { coverageCells, DRILL_LEVELS } from '../../core/domain/drill-coverage.ts';
import { plansOf } from '../../core/domain/drill-plans.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { seededRandom } from '../../core/domain/drills.ts';
import { loadCoverage, surveyCoverage } from '../../server/drills/load-coverage.ts';
import { MATRIX_ROWS, viewDrills } from '../../server/drills/view-drills.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { TestDevice } from '../testing/test-device.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';

const HOUR = 3_600_000;
const SOURCES = 120;
const DRILLS = 12;

let services: StartedServices;
beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

interface Drilled {
  readonly id: string;
  readonly state: 'passed' | 'failed' | 'void';
  readonly level: number;
  readonly runner: 'service' | 'kit';
  readonly checks: DrillCheck[];
  readonly createdMs: number;
}

const look = (kind: DrillCheck['kind'], state: DrillCheck['state']): DrillCheck => ({
  ...{ kind, state, name: 'x', subject: 'x', expected: null, actual: null, output: '', ms: 1 },
});

/** Levels at which something was wrong: of each failed look, else what was asked for. */
function wrongAt({ checks, level }: Drilled): { shallowest: number; deepest: number | null } {
  const at = checks.filter(({ state }) => state === 'failed').map(({ kind }) => (kind === 'witness' ? 3 : 4));
  return at.length === 0
    ? { shallowest: level, deepest: null }
    : { shallowest: Math.min(...at), deepest: Math.max(...at) };
}
const reached = ({ checks, level }: Drilled): number => (checks.length === 0 ? level : levelReached(checks));

/** By the words of core/domain/drill-coverage.ts, from the raw rows. */
function expectedCells(
  drills: readonly Drilled[],
  terms: { readonly policy: ReturnType<typeof policyDocument.parse>; readonly lossMs: number | null; nowMs: number },
) {
  const real = drills.filter(({ runner }) => runner !== 'kit').sort((a, b) => b.createdMs - a.createdMs);
  const passed = real.filter(({ state }) => state === 'passed');
  const event = (level: number, { id, createdMs }: Drilled) => ({ level, drillId: id, endedMs: createdMs });
  const answers = (y: Drilled, x: Drilled): boolean => {
    const { deepest } = wrongAt(x);
    return y.createdMs > x.createdMs && (deepest === null ? y.level >= x.level : reached(y) >= deepest);
  };
  return coverageCells({
    plans: plansOf(terms.policy),
    passes: DRILL_LEVELS.flatMap((level) => {
      const newest = passed.find((one) => one.level >= level && reached(one) >= level);
      return newest === undefined ? [] : [event(level, newest)];
    }),
    failures: real
      .filter((x) => x.state === 'failed' && !passed.some((y) => answers(y, x)))
      .map((x) => event(wrongAt(x).shallowest, x)),
    graceMs: terms.policy.rpoMinutes * 60_000,
    lossMs: terms.lossMs,
    nowMs: terms.nowMs,
  });
}

test('cells, sums and pages of many sources are those that the rules give for their drills', {
  timeout: 300_000,
}, async () => {
  const seed = process.env.HOLDFAST_TEST_SEED ?? String(randomInt(2 ** 31));
  const random = seededRandom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing' });
  const { result } = await device.backUp();
  const point = await device.point(result.snapshotId);
  await device.setPolicy({ moreDrills: [{ level: 4, everyHours: 72, sampleFiles: 5 }] });
  const { tenantId, customerId, vaultId } = { ...device.enrolled, tenantId: device.tenant.id };
  const nowMs = services.clock.nowMs();
  const expected = new Map<string, { drills: Drilled[]; lossMs: number | null }>();
  await device.sql(async (tx) => {
    const { id: _, ...mine } = await tx.device.findFirstOrThrow({ where: { tenantId } });
    for (let at = 0; at < SOURCES; at++) {
      const deviceId = randomUUID();
      const sourceId = randomUUID();
      const name = `machine ${String(at).padStart(5, '0')}`;
      await tx.device.create({ data: { ...mine, id: deviceId, name, publicKey: `key ${sourceId}` } });
      await tx.source.create({ data: { tenantId, id: sourceId, customerId, deviceId, kind: 'files', name } });
      const drills = Array.from({ length: below(DRILLS) }, (): Drilled => {
        const level = 3 + below(3);
        const state = (['passed', 'passed', 'failed', 'void'] as const)[below(4)]!;
        const opened = (['passed', 'skipped', 'failed'] as const)[below(state === 'passed' ? 2 : 3)]!;
        const files = state === 'failed' && below(3) === 0 ? 'failed' : 'passed';
        return {
          ...{ id: randomUUID(), level, state },
          runner: below(8) === 0 ? 'kit' : 'service',
          checks:
            below(3) === 0
              ? []
              : [
                  look('witness', files),
                  look('restore', opened),
                  ...(below(2) === 0 ? [look('archive', 'passed')] : []),
                ],
          createdMs: nowMs - 1 - below(120 * HOUR),
        };
      });
      await tx.drill.createMany({
        data: drills.map(({ createdMs, ...one }) => ({
          ...{ ...one, tenantId, customerId, deviceId, sourceId, vaultId, restorePointId: point.id },
          ...{ filesPlanned: 1, filesMatched: 1 },
          ...{ trigger: 'schedule', seed: 'x', checks: one.checks.map((check) => ({ ...check })) },
          ...{ createdAt: new Date(createdMs), startedAt: new Date(createdMs), finishedAt: new Date(createdMs) },
        })),
      });
      const lossMs = below(5) === 0 ? nowMs - below(120 * HOUR) : null;
      if (lossMs !== null)
        await tx.damage.create({
          data: {
            ...{ tenantId, customerId, deviceId, vaultId, id: randomUUID(), state: 'lost', keys: [], objects: [] },
            ...{ foundAt: new Date(lossMs), endedAt: new Date(lossMs), acceptedAt: new Date(lossMs) },
            ...{ acceptedBy: device.tenant.owner.actor.id, acceptReason: 'x' },
          },
        });
      expected.set(sourceId, { drills, lossMs });
    }
  });
  const scope = device.tenant.owner;
  const { policy, survey, pages } = await withScope(services, scope, async (tx) => {
    const row = await tx.policy.findFirstOrThrow({ where: { tenantId, id: device.tenant.customers[0].policyId } });
    const found = await surveyCoverage(tx, scope, nowMs);
    const some = await loadCoverage(tx, scope, nowMs, { customerId: null }, { skip: 10, take: 30 });
    return { policy: policyDocument.parse(row.document), survey: found, pages: some };
  });
  expect(survey.size).toBe(SOURCES + 1);
  const states: Record<string, number> = {};
  for (const [sourceId, { drills, lossMs }] of expected) {
    const cells = expectedCells(drills, { policy, lossMs, nowMs });
    expect(survey.get(sourceId), `seed ${seed}, ${JSON.stringify(drills)}`).toEqual(cells);
    for (const { state } of cells) states[state] = (states[state] ?? 0) + 1;
  }
  // Otherwise the comparison would say little.
  for (const state of ['failed', 'never', 'overdue', 'proven'])
    expect(states[state], `seed ${seed}`).toBeGreaterThan(0);
  expect(pages).toHaveLength(30);
  for (const { sourceId, cells } of pages) expect(cells).toEqual(survey.get(sourceId));

  const everything = { customerId: null, text: '', state: null, level: null };
  const first = await viewDrills(services, scope, everything, { matrix: 1, history: 1 });
  const second = await viewDrills(services, scope, everything, { matrix: 2, history: 1 });
  expect(first.matrix).toMatchObject({ total: SOURCES + 1 });
  expect(first.matrix.rows).toHaveLength(MATRIX_ROWS);
  expect(Object.values(first.counts).reduce((sum, count) => sum + count, 0)).toBe(first.sourcesTotal);
  const names = [...first.matrix.rows, ...second.matrix.rows].map(({ deviceName }) => deviceName);
  expect(names).toEqual([...new Set(names)].sort());
  const filtered = await viewDrills(
    services,
    scope,
    { ...everything, text: 'MACHINE 0001' },
    { matrix: 1, history: 1 },
  );
  expect(filtered.matrix).toMatchObject({ total: 10 });
  // What is counted is all, whatever the filter shows.
  expect(filtered.counts).toEqual(first.counts);
});
