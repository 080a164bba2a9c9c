import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareRestored, planDrill, sampleWeight, seededRandom, type WitnessEntry } from './drills.ts';

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
    role: fc.constantFrom('canary' as const, 'sample' as const, 'dump' as const),
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
        const sample = plan.files.filter((one) => one.role !== 'canary');
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
  test(`from level 4 on holds every dump, beside the sample; a full one holds everything (seed ${seed})`, () => {
    fc.assert(
      fc.property(entries, fc.string(), fc.integer({ min: 1, max: 5 }), (witness, drillSeed, sampleFiles) => {
        const dumps = witness.filter((one) => one.role === 'dump');
        const files = witness.filter((one) => one.role === 'sample');
        const deep = planDrill(witness, { seed: drillSeed, sampleFiles, level: 4 });
        expect(deep.files.filter((one) => one.role === 'dump').length).toBe(dumps.length);
        expect(deep.files.filter((one) => one.role === 'sample').length).toBe(Math.min(sampleFiles, files.length));
        const full = planDrill(witness, { seed: drillSeed, sampleFiles, scope: 'full', bytesMax: 1 });
        expect([full.files.length, full.leftOut]).toEqual([witness.length, 0]);
      }),
      { seed, numRuns: 100 },
    );
  });
  test('what deeper looks need is in it beside the sample, a folder with all that is below it, while it fits', () => {
    const witness = ['/vm/web.raw', '/vm/web.raw.old', '/srv/a', '/srv/b/c', '/srvx', '/other'].map((path) =>
      entry(path),
    );
    const needed = ['/vm/web.raw', '/srv'];
    const paths = (bytesMax: number) =>
      planDrill(witness, { seed: 's', sampleFiles: 0, bytesMax, level: 5, needed }).files.map(({ path }) => path);
    expect(paths(1000)).toEqual(['/srv/a', '/srv/b/c', '/vm/web.raw']);
    expect(paths(25)).toHaveLength(2);
  });
  test('what is likelier to break is drawn more often: large, fragile, changed and failed files, and dumps', () => {
    const history = { changed: new Set(['/changed.txt']), failed: new Set(['/failed.txt']) };
    const heavy = [
      entry('/mail.pst'),
      entry('/large.bin', { size: 2 ** 40 }),
      entry('/changed.txt'),
      entry('/failed.txt'),
      entry('/postgres/main/shop', { role: 'dump' }),
    ];
    for (const one of heavy) expect(sampleWeight(one, history)).toBeGreaterThan(2);
    expect(sampleWeight(entry('/plain.txt'), history)).toBe(1);
    const witness = [...Array.from({ length: 40 }, (_, n) => entry(`/plain-${n}.txt`)), entry('/failed.txt')];
    let drawn = 0;
    for (let n = 0; n < 1000; n++)
      if (planDrill(witness, { seed: `${n}`, sampleFiles: 1, history }).files[0]!.path === '/failed.txt') drawn++;
    // Ten fiftieths, with a deviation of about 13 in a thousand; unweighted it would be 24.
    expect(Math.abs(drawn - 200)).toBeLessThan(80);
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
