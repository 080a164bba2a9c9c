/** Metric 11 beside direct counts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DatabaseDrill, semanticRpo } from './semantic-rpo.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const drill: fc.Arbitrary<DatabaseDrill> = fc.record({
  id: fc.uuid(),
  finishedMs: fc.nat(100),
  captureMs: fc.nat(50),
  newestMs: fc.option(fc.nat(60)),
});

test(`worst and median are those of the tests in the span that found an entry, the others are counted apart (seed ${seed})`, () => {
  fc.assert(
    fc.property(fc.array(drill), fc.nat(60), fc.nat(60), (all, startMs, length) => {
      const span = { startMs, endMs: startMs + length };
      const gaps: number[] = [];
      let unknown = 0;
      for (const { finishedMs, captureMs, newestMs } of all) {
        if (finishedMs < span.startMs || finishedMs >= span.endMs) continue;
        if (newestMs === null) unknown++;
        else gaps.push(captureMs > newestMs ? captureMs - newestMs : 0);
      }
      gaps.sort((a, b) => a - b);
      const found = semanticRpo(all, span);
      expect([found.of, found.unknown]).toEqual([gaps.length, unknown]);
      expect(found.worst?.behindMs ?? null).toBe(gaps.at(-1) ?? null);
      expect(found.medianMs).toBe(gaps[Math.ceil(gaps.length / 2) - 1] ?? null);
      const worst = all.find(({ id }) => id === found.worst?.drillId);
      if (found.worst !== null) expect(Math.max(0, worst!.captureMs - worst!.newestMs!)).toBe(found.worst.behindMs);
    }),
    { seed, numRuns: 300 },
  );
});

test('a test that found nothing is not known, and never a gap of nothing', () => {
  const one = { id: 'a', finishedMs: 1, captureMs: 5, newestMs: null };
  expect(semanticRpo([one], { startMs: 0, endMs: 9 })).toEqual({ of: 0, unknown: 1, worst: null, medianMs: null });
});
