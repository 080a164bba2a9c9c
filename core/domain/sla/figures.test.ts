/**
 * Every figure beside a computation that is slow and obviously right: it walks each unit of time, or each row, and counts. All
 * lengths are small whole numbers, taken for minutes, so that a month is five hundred of them.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OCCURRENCE_OUTCOMES } from '../outcome.ts';
import { compareFigures } from './amendments.ts';
import { type ContractVersion, slaTerms, type SlaTerms, tierOf, versionAt } from './contract.ts';
import { customerFigures, type MonthFacts, type SummedSource } from './customer-figures.ts';
import { dataAgeMs, promiseStartMs } from './data-age.ts';
import type { DrillResult } from './drill-figures.ts';
import { type Interval } from './intervals.ts';
import { sourceFigures, type SourceFacts, type OccurrenceResult } from './source-figures.ts';

const NO_FACTS: MonthFacts = { restores: [], databaseDrills: [] };
const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const property = (name: string, body: fc.IProperty<never> | fc.IPropertyWithHooks<never>, numRuns = 200) =>
  test(`${name} (seed ${seed})`, () => fc.assert(body as fc.IProperty<never>, { seed, numRuns }));

const MINUTE = 60_000;
const DAY_MINUTES = 24 * 60;
const month: Interval = { startMs: 0, endMs: 500 * MINUTE };
const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const minutesOf = (min: number, max: number) => fc.integer({ min, max });
const tier = (key: string) =>
  fc.record({
    key: fc.constant(key),
    name: fc.constant(key),
    weight: minutesOf(1, 9),
    rpoMinutes: minutesOf(5, 200),
    rtoMinutes: minutesOf(5, 60),
    rpoShare: fc.constantFrom(0, 0.5, 0.9, 0.99, 1),
    successShare: fc.constant(0.99),
    drill: fc.record({ level: fc.constantFrom(3 as const, 4 as const, 5 as const), everyDays: minutesOf(1, 3) }),
    retentionDays: fc.constant(30),
    integrityDays: fc.constant(35),
  });
const terms: fc.Arbitrary<SlaTerms> = fc
  .record({
    gold: tier('gold'),
    silver: tier('silver'),
    defaultTier: fc.constantFrom('gold', 'silver'),
    assigned: fc.uniqueArray(
      fc.record({
        kind: fc.constantFrom('source' as const, 'device' as const, 'policy' as const),
        id: minutesOf(0, 3).map(uuid),
        tier: fc.constantFrom('gold', 'silver'),
      }),
      { maxLength: 5, selector: ({ kind, id }) => `${kind}/${id}` },
    ),
    credits: fc.array(fc.record({ below: fc.constantFrom(0.5, 0.9, 0.99, 1), percent: minutesOf(1, 100) }), {
      maxLength: 3,
    }),
  })
  .map(({ gold, silver, defaultTier, assigned, credits }) =>
    slaTerms.parse({ tiers: [gold, silver], defaultTier, assignments: assigned, credits }),
  );
const versions: fc.Arbitrary<ContractVersion[]> = fc
  .array(fc.record({ validFrom: minutesOf(-100, 600), terms }), { maxLength: 3 })
  .map((all) =>
    all.map(({ validFrom, terms: one }, at) => ({ version: at + 1, validFromMs: validFrom * MINUTE, terms: one })),
  );

const point = fc
  .tuple(minutesOf(-200, 520), minutesOf(0, 60))
  .map(([capture, delay]) => ({ captureMs: capture * MINUTE, commitMs: (capture + delay) * MINUTE }));
const interval = fc
  .tuple(minutesOf(-50, 500), minutesOf(1, 100))
  .map(([start, length]) => ({ startMs: start * MINUTE, endMs: (start + length) * MINUTE }));
const occurrence: fc.Arbitrary<OccurrenceResult> = fc
  .record({
    due: minutesOf(-20, 520),
    length: minutesOf(1, 40),
    outcome: fc.constantFrom(...OCCURRENCE_OUTCOMES, null),
    isAccepted: fc.boolean(),
  })
  .map(({ due, length, ...rest }) => ({ dueMs: due * MINUTE, windowEndMs: (due + length) * MINUTE, ...rest }));
const drill: fc.Arbitrary<DrillResult> = fc
  .record({
    id: fc.uuid(),
    finished: minutesOf(-4 * DAY_MINUTES, 520),
    state: fc.constantFrom('passed' as const, 'failed' as const, 'void' as const),
    level: fc.constantFrom(0, 3, 4, 5),
    scope: fc.constantFrom('sample' as const, 'full' as const),
    queue: fc.option(minutesOf(0, 40), { nil: undefined }),
    transfer: fc.option(minutesOf(0, 40), { nil: undefined }),
    estimate: fc.option(minutesOf(1, 90), { nil: null }),
  })
  .map(({ finished, queue, transfer, estimate, ...rest }) => ({
    ...rest,
    finishedMs: finished * MINUTE,
    timings: {
      ...(queue === undefined ? {} : { queue: queue * MINUTE }),
      ...(transfer === undefined ? {} : { transfer: transfer * MINUTE }),
    },
    estimatedMs: estimate === null ? null : estimate * MINUTE,
    captureMs: (finished - 10) * MINUTE,
  }));
const facts = (n: number): fc.Arbitrary<SourceFacts> =>
  fc.record({
    sourceId: fc.constant(uuid(n)),
    deviceId: fc.constant(uuid(n % 2)),
    policyId: fc.constant(uuid(0)),
    policy: fc.record({
      rpoMinutes: minutesOf(15, 200),
      rtoMinutes: minutesOf(5, 60),
      drill: fc.record({ level: fc.constantFrom(3 as const, 4 as const), everyHours: minutesOf(1, 72) }),
    }),
    addedMs: minutesOf(-300, 400).map((at) => at * MINUTE),
    firstSealedMs: fc.option(
      minutesOf(-300, 500).map((at) => at * MINUTE),
      { nil: null },
    ),
    endedMs: fc.option(
      minutesOf(1, 600).map((at) => at * MINUTE),
      { nil: null, freq: 4 },
    ),
    points: fc.array(point, { maxLength: 8 }),
    occurrences: fc.array(occurrence, { maxLength: 8 }),
    drills: fc.array(drill, { maxLength: 6 }),
    excused: fc.array(interval, { maxLength: 2 }),
  });
const now = minutesOf(1, 600).map((at) => at * MINUTE);

/** The targets of an instant, looked up anew for each. */
function targetsAt(all: readonly ContractVersion[], one: SourceFacts, atMs: number) {
  const version = versionAt(all, atMs);
  if (version === undefined) {
    const { rpoMinutes, rtoMinutes, drill: plan } = one.policy;
    return {
      ...{
        version: null,
        key: '-policy',
        rpoMs: rpoMinutes * MINUTE,
        rtoMs: rtoMinutes * MINUTE,
        weight: 1,
        rpoShare: 1,
      },
      ...{ level: plan.level, everyMs: Math.max(1, Math.ceil(plan.everyHours / 24)) * DAY_MINUTES * MINUTE },
      credits: [],
    };
  }
  const found = tierOf(version.terms, one);
  return {
    ...{ version: version.version, key: found.key, rpoMs: found.rpoMinutes * MINUTE, rtoMs: found.rtoMinutes * MINUTE },
    ...{ weight: found.weight, rpoShare: found.rpoShare, level: found.drill.level },
    everyMs: found.drill.everyDays * DAY_MINUTES * MINUTE,
    credits: version.terms.credits,
  };
}

/** Every minute of the window, one after the other. */
function walk(one: SourceFacts, all: readonly ContractVersion[], nowMs: number) {
  const promisedMs = promiseStartMs({ ...one, rpoMs: targetsAt(all, one, one.addedMs).rpoMs });
  const endMs = Math.min(month.endMs, one.endedMs ?? nowMs, nowMs);
  const minutes: { atMs: number; key: string; version: number | null; isBreach: boolean }[] = [];
  for (let atMs = Math.max(month.startMs, promisedMs); atMs < endMs; atMs += MINUTE) {
    const isExcused =
      one.excused.some(({ startMs, endMs: until }) => atMs >= startMs && atMs < until) ||
      one.occurrences.some(
        ({ outcome, dueMs, windowEndMs }) => outcome === 'excused' && atMs >= dueMs && atMs < windowEndMs,
      );
    if (isExcused) continue;
    const { rpoMs, key, version } = targetsAt(all, one, atMs);
    const ageMs = dataAgeMs(one.points, atMs);
    minutes.push({ atMs, key, version, isBreach: ageMs === null || ageMs >= rpoMs });
  }
  return {
    minutes,
    promisedMs,
    endMs,
    isThere: endMs >= Math.max(month.startMs, promisedMs) && endMs >= month.startMs,
  };
}

describe('the figures of a source', () => {
  property(
    'are what a walk over every minute and every row counts, whatever version of the contract holds when',
    fc.property(facts(1), versions, now, (one, all, nowMs) => {
      const figures = sourceFigures(one, all, month, nowMs);
      const { minutes, promisedMs, endMs, isThere } = walk(one, all, nowMs);
      expect(figures === undefined).toBe(!isThere);
      if (figures === undefined) return;
      expect(figures.windowMs).toBe(minutes.length * MINUTE);
      expect(figures.violationMs).toBe(minutes.filter(({ isBreach }) => isBreach).length * MINUTE);
      expect(figures.excusedMs).toBe(endMs - Math.max(0, promisedMs) - figures.windowMs);
      for (const version of new Set(minutes.map((minute) => minute.version))) {
        const mine = figures.parts.filter((part) => part.version === version);
        const walked = minutes.filter((minute) => minute.version === version);
        expect(mine.reduce((sum, { windowMs }) => sum + windowMs, 0)).toBe(walked.length * MINUTE);
        expect(mine.reduce((sum, { violationMs }) => sum + violationMs, 0)).toBe(
          walked.filter(({ isBreach }) => isBreach).length * MINUTE,
        );
      }
      const due = one.occurrences.filter(({ dueMs }) => dueMs >= Math.max(0, one.addedMs) && dueMs < endMs);
      for (const outcome of OCCURRENCE_OUTCOMES)
        expect(figures.counts[outcome]).toBe(due.filter((row) => row.outcome === outcome).length);
      expect(figures.expected).toBe(due.filter((row) => row.outcome !== null || row.windowEndMs < endMs).length);
      expect(figures.acceptedPartial).toBe(due.filter((row) => row.outcome === 'partial' && row.isAccepted).length);
      const ended = one.drills.filter(({ finishedMs }) => finishedMs >= Math.max(0, one.addedMs) && finishedMs < endMs);
      expect(figures.drills.passed).toBe(ended.filter(({ state }) => state === 'passed').length);
      expect(figures.drills.void).toBe(ended.filter(({ state }) => state === 'void').length);
    }) as never,
  );
  property(
    'say that it was drilled, and how long a recovery took, as a search through all drills does',
    fc.property(facts(1), versions, now, (one, all, nowMs) => {
      const figures = sourceFigures(one, all, month, nowMs);
      if (figures === undefined) return;
      const { endMs } = figures.window;
      // What holds at the end is what held at the last instant before it.
      const target = targetsAt(all, one, Math.max(figures.window.startMs, endMs - 1));
      let isDrilled = false;
      let newest: DrillResult | undefined;
      for (const row of one.drills) {
        if (row.state !== 'passed' || row.finishedMs > endMs) continue;
        if (row.level >= target.level && endMs - row.finishedMs < target.everyMs + target.rpoMs) isDrilled = true;
        const isMeasured = row.scope === 'full' && row.timings.transfer !== undefined;
        if (isMeasured && (newest === undefined || row.finishedMs > newest.finishedMs)) newest = row;
      }
      expect(figures.isDrilled).toBe(isDrilled);
      if (newest === undefined) expect(figures.rto.kind).not.toBe('measured');
      else {
        const elapsedMs = newest.timings.transfer! + (newest.timings.queue ?? 0);
        const same = one.drills.filter(
          (row) => row.finishedMs === newest.finishedMs && row.scope === 'full' && row.state === 'passed',
        );
        // Of two that ended in one minute either may be the newest.
        if (same.length === 1)
          expect(figures.rto).toMatchObject({
            kind: 'measured',
            elapsedMs,
            technicalMs: newest.timings.transfer!,
            isAttained: elapsedMs <= target.rtoMs,
          });
      }
    }) as never,
  );
});

describe('the figures of a customer', () => {
  const customer = fc.tuple(fc.tuple(facts(1), facts(2), facts(3)), versions, now);
  const sum = (sources: readonly SourceFacts[], all: readonly ContractVersion[], nowMs: number): SummedSource[] =>
    sources.flatMap((one) => sourceFigures(one, all, month, nowMs) ?? []);
  property(
    'weigh each source by its tier and name the worst one, as a walk over all minutes of all sources does',
    fc.property(customer, ([sources, all, nowMs]) => {
      const figures = customerFigures(sum(sources, all, nowMs), month, NO_FACTS);
      let weighted = 0;
      let weights = 0;
      let below = 0;
      let worst = Infinity;
      const perTier = new Map<string, number[]>();
      for (const one of sources) {
        const { minutes, isThere, promisedMs, endMs } = walk(one, all, nowMs);
        if (!isThere) continue;
        const last = targetsAt(all, one, Math.max(0, promisedMs, endMs - 1));
        for (const key of new Set(minutes.map((minute) => minute.key))) {
          const mine = minutes.filter((minute) => minute.key === key);
          const share = 1 - mine.filter(({ isBreach }) => isBreach).length / mine.length;
          perTier.set(key, [...(perTier.get(key) ?? []), share]);
        }
        if (minutes.length === 0) continue;
        const share = 1 - minutes.filter(({ isBreach }) => isBreach).length / minutes.length;
        weighted += last.weight * share;
        weights += last.weight;
        worst = Math.min(worst, share);
        if (share < last.rpoShare) below += 1;
      }
      if (weights === 0) expect(figures.attainment).toBeNull();
      else {
        expect(figures.attainment).toBeCloseTo(weighted / weights, 12);
        expect(figures.worst!.share).toBeCloseTo(worst, 12);
      }
      expect(figures.belowTarget).toBe(below);
      for (const found of figures.tiers) {
        const shares = perTier.get(found.tier.key) ?? [];
        if (shares.length === 0) expect(found.attainment).toBeNull();
        else expect(found.attainment).toBeCloseTo(shares.reduce((a, b) => a + b, 0) / shares.length, 12);
      }
    }) as never,
  );
  property(
    'owe the credit of each version for the part of the month in which it held',
    fc.property(facts(1), versions, now, (one, all, nowMs) => {
      const [source] = sum([one], all, nowMs);
      if (source === undefined) return;
      const figures = customerFigures([source], month, NO_FACTS);
      const { minutes, endMs, promisedMs } = walk(one, all, nowMs);
      const startMs = Math.max(0, promisedMs);
      const owed = new Map<string, number>();
      for (const version of all) {
        let held = 0;
        let measured = 0;
        let bad = 0;
        let key = '';
        for (let atMs = startMs; atMs < endMs; atMs += MINUTE) {
          if (versionAt(all, atMs) !== version) continue;
          held += 1;
          key = tierOf(version.terms, one).key;
        }
        for (const minute of minutes) {
          if (minute.version !== version.version) continue;
          measured += 1;
          if (minute.isBreach) bad += 1;
        }
        if (measured === 0) continue;
        let percent = 0;
        for (const step of version.terms.credits)
          if (1 - bad / measured < step.below && step.percent > percent) percent = step.percent;
        owed.set(key, (owed.get(key) ?? 0) + (percent * held) / 500);
      }
      expect(figures.credit).toBeCloseTo(Math.max(0, ...owed.values()), 1);
    }) as never,
  );
  property(
    'are the same when nothing changed, and name what did when a row changes',
    fc.property(customer, ([sources, all, nowMs]) => {
      const before = customerFigures(sum(sources, all, nowMs), month, NO_FACTS);
      const again = customerFigures(sum([...sources].reverse(), all, nowMs), month, NO_FACTS);
      expect(compareFigures(before, again)).toEqual([]);
      const less = sources.map((one) => ({ ...one, points: [] }));
      const after = customerFigures(sum(less, all, nowMs), month, NO_FACTS);
      const changes = compareFigures(before, after).map(({ figure }) => figure);
      expect(changes.includes('attainment')).toBe(
        Math.abs((before.attainment ?? -1) - (after.attainment ?? -1)) > 1e-9,
      );
      expect(changes.includes('restore_points')).toBe(before.restorePoints !== 0);
    }) as never,
  );
});

describe('a contract', () => {
  const one = fc.sample(terms, { numRuns: 1, seed })[0]!;
  test('has every tier once and names none that is missing', () => {
    expect(slaTerms.safeParse({ ...one, tiers: [one.tiers[0], one.tiers[0]] }).success).toBe(false);
    expect(slaTerms.safeParse({ ...one, defaultTier: 'lead' }).success).toBe(false);
    const lost = { kind: 'source', id: uuid(1), tier: 'lead' };
    expect(slaTerms.safeParse({ ...one, assignments: [lost] }).success).toBe(false);
    const twice = { kind: 'source', id: uuid(1), tier: 'gold' };
    expect(slaTerms.safeParse({ ...one, assignments: [twice, { ...twice, tier: 'silver' }] }).success).toBe(false);
  });
  test('puts a source before its device and a device before its policy', () => {
    const at = { sourceId: uuid(1), deviceId: uuid(2), policyId: uuid(3) };
    const assign = (...assignments: SlaTerms['assignments']) =>
      tierOf({ ...one, defaultTier: 'silver', assignments }, at).key;
    expect(assign()).toBe('silver');
    expect(assign({ kind: 'policy', id: uuid(3), tier: 'gold' })).toBe('gold');
    expect(assign({ kind: 'policy', id: uuid(3), tier: 'gold' }, { kind: 'device', id: uuid(2), tier: 'silver' })).toBe(
      'silver',
    );
    expect(assign({ kind: 'source', id: uuid(1), tier: 'gold' }, { kind: 'device', id: uuid(2), tier: 'silver' })).toBe(
      'gold',
    );
  });
  test('a newer version overrides older ones from its day on, even one that begins later', () => {
    const made = (version: number, validFromMs: number) => ({ version, validFromMs, terms: one });
    const all = [made(1, 0), made(2, 500), made(3, 200)];
    expect([-1, 0, 199, 200, 499, 500, 900].map((at) => versionAt(all, at)?.version)).toEqual([
      undefined,
      1,
      1,
      3,
      3,
      3,
      3,
    ]);
  });
});
