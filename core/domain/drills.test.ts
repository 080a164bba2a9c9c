import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareRestored, isDrillDue, planDrill, seededRandom, type WitnessEntry } from './drills.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const sha = (n: number) => n.toString(16).padStart(64, '0');
const entry = (path: string, over: Partial<WitnessEntry> = {}): WitnessEntry => ({
  path,
  size: 10,
  sha256: sha(path.length),
  role: 'sample',
  ...over,
});
const entries = fc.uniqueArray(
  fc.record({
    path: fc.string({ minLength: 1, maxLength: 12 }).map((name) => `/${name}`),
    size: fc.nat(1000),
    sha256: fc.nat(10_000).map(sha),
    role: fc.constantFrom('canary' as const, 'sample' as const, 'sample' as const),
  }),
  { selector: (one) => one.path, maxLength: 40 },
);

describe('the plan of a drill', () => {
  test(`is the same for the same seed and set, holds every canary, and stays within its bounds (seed ${seed})`, () => {
    fc.assert(
      fc.property(entries, fc.string(), fc.integer({ min: 1, max: 20 }), (witness, drillSeed, sampleFiles) => {
        const plan = planDrill(witness, { seed: drillSeed, sampleFiles, bytesMax: 5000 });
        expect(planDrill([...witness].reverse(), { seed: drillSeed, sampleFiles, bytesMax: 5000 })).toEqual(plan);
        const canaries = witness.filter((one) => one.role === 'canary');
        expect(plan.files.filter((one) => one.role === 'canary').length).toBe(canaries.length);
        const sample = plan.files.filter((one) => one.role === 'sample');
        expect(sample.length).toBeLessThanOrEqual(sampleFiles);
        expect(new Set(plan.files.map((one) => one.path)).size).toBe(plan.files.length);
        if (plan.leftOut === 0) expect(sample.length).toBe(Math.min(sampleFiles, witness.length - canaries.length));
        expect(plan.bytes).toBe(plan.files.reduce((sum, one) => sum + one.size, 0));
      }),
      { seed, numRuns: 200 },
    );
  });
  test('another seed draws other files, and each file about equally often', () => {
    const witness = Array.from({ length: 20 }, (_, n) => entry(`/file-${n}`));
    const drawn = new Map<string, number>();
    for (let n = 0; n < 2000; n++)
      for (const { path } of planDrill(witness, { seed: `drill-${n}`, sampleFiles: 5 }).files)
        drawn.set(path, (drawn.get(path) ?? 0) + 1);
    // Each is drawn 500 times in the mean, with a deviation of about 19.
    for (const count of drawn.values()) expect(Math.abs(count - 500)).toBeLessThan(120);
    expect(drawn.size).toBe(20);
  });
  test('one huge file does not empty the sample', () => {
    const witness = [entry('/huge', { size: 10_000 }), entry('/a'), entry('/b')];
    for (let n = 0; n < 20; n++)
      expect(planDrill(witness, { seed: `${n}`, sampleFiles: 2, bytesMax: 100 }).files.map((one) => one.path)).toEqual([
        '/a',
        '/b',
      ]);
  });
  test('seeded numbers lie in [0, 1) and repeat', () => {
    const [a, b] = [seededRandom('x'), seededRandom('x')];
    for (let n = 0; n < 1000; n++) {
      const value = a();
      expect(value).toBe(b());
      expect(value >= 0 && value < 1).toBe(true);
    }
  });
});

describe('the comparison', () => {
  test(`finds every changed, cut and absent file and nothing else (seed ${seed})`, () => {
    const fate = fc.constantFrom('same', 'content', 'size', 'missing');
    fc.assert(
      fc.property(entries, fc.array(fate, { minLength: 40, maxLength: 40 }), (witness, fates) => {
        const restored = witness.flatMap((one, at) => {
          const { path, size, sha256 } = one;
          if (fates[at] === 'missing') return [];
          if (fates[at] === 'content') return [{ path, size, sha256: `f${sha256.slice(1)}` }];
          if (fates[at] === 'size') return [{ path, size: size + 1, sha256: `f${sha256.slice(1)}` }];
          return [{ path, size, sha256 }];
        });
        const { matched, mismatches } = compareRestored(witness, restored);
        const expected = witness.flatMap((one, at) =>
          fates[at] === 'same' ? [] : [{ path: one.path, problem: fates[at] }],
        );
        expect(mismatches.map(({ path, problem }) => ({ path, problem }))).toEqual(expected);
        expect(matched + mismatches.length).toBe(witness.length);
      }),
      { seed, numRuns: 200 },
    );
  });
});

describe('a drill is due', () => {
  const HOUR = 3_600_000;
  const now = 1000 * HOUR;
  const drill = (state: 'queued' | 'passed' | 'failed' | 'void', hoursAgo: number) => ({
    state,
    createdMs: now - hoursAgo * HOUR,
  });
  test('for a first point, after the interval, and after a failure; never beside one under way', () => {
    expect(isDrillDue([], 24, now)).toBe(true);
    expect(isDrillDue([drill('passed', 23)], 24, now)).toBe(false);
    expect(isDrillDue([drill('passed', 24)], 24, now)).toBe(true);
    expect(isDrillDue([drill('passed', 2), drill('failed', 1)], 24, now)).toBe(true);
    expect(isDrillDue([drill('failed', 2), drill('passed', 1)], 24, now)).toBe(false);
    expect(isDrillDue([drill('queued', 0)], 24, now)).toBe(false);
  });
  test('a void drill proves nothing, and is repeated after a while', () => {
    expect(isDrillDue([drill('void', 0.1)], 24, now)).toBe(false);
    expect(isDrillDue([drill('void', 1)], 24, now)).toBe(true);
    expect(isDrillDue([drill('passed', 30), drill('void', 1)], 24, now)).toBe(true);
    expect(isDrillDue([drill('passed', 3), drill('void', 1)], 24, now)).toBe(false);
  });
});
