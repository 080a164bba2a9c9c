/** Metric 21 beside direct counts. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quantile } from './quantile.ts';
import { RESTORE_STATES, restoreFigures, type RestoreTimes } from './restore-service.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const property = (name: string, body: fc.IProperty<never> | fc.IPropertyWithHooks<never>) =>
  test(`${name} (seed ${seed})`, () => fc.assert(body as fc.IProperty<never>, { seed, numRuns: 300 }));

const restore: fc.Arbitrary<RestoreTimes> = fc
  .record({
    state: fc.constantFrom(...RESTORE_STATES),
    asker: fc.constantFrom('customer' as const, 'provider' as const, 'machine' as const),
    requestedMs: fc.nat(100),
    first: fc.option(fc.nat(40)),
    ended: fc.nat(60),
  })
  .map(({ first, ended, ...one }) => ({
    ...one,
    firstByteMs: first === null ? null : one.requestedMs + first,
    endedMs: one.state === 'open' ? null : one.requestedMs + ended,
  }));
const span = fc.tuple(fc.nat(100), fc.nat(80)).map(([startMs, length]) => ({ startMs, endMs: startMs + length }));

describe('a quantile', () => {
  property(
    'is the least measured value that the share of them does not exceed',
    fc.property(fc.array(fc.nat(20), { minLength: 1 }), fc.constantFrom(1, 25, 50, 95, 100), (values, percent) => {
      const found = quantile(values, percent / 100)!;
      const upTo = (limit: number) => values.filter((value) => value <= limit).length * 100;
      expect(values).toContain(found);
      expect(upTo(found)).toBeGreaterThanOrEqual(percent * values.length);
      for (const less of values.filter((value) => value < found))
        expect(upTo(less)).toBeLessThan(percent * values.length);
    }) as never,
  );
  test('of nothing is nothing', () => expect(quantile([], 0.5)).toBeNull());
});

describe('restores', () => {
  property(
    'count in the span in which they ended, each in the figures that its end allows',
    fc.property(fc.array(restore), span, (all, within) => {
      let [delivered, failed, customer, provider, machine] = [0, 0, 0, 0, 0];
      const waits: number[] = [];
      const firsts: number[] = [];
      for (const one of all) {
        if (one.endedMs === null || one.endedMs < within.startMs || one.endedMs >= within.endMs) continue;
        if (one.state === 'cancelled' || one.state === 'unknown') continue;
        if (one.asker === 'customer') customer++;
        else if (one.asker === 'provider') provider++;
        else machine++;
        if (one.state !== 'delivered') {
          failed++;
          continue;
        }
        delivered++;
        waits.push(one.endedMs - one.requestedMs);
        if (one.firstByteMs !== null) firsts.push(one.firstByteMs - one.requestedMs);
      }
      const found = restoreFigures(all, within);
      expect(found.failed).toMatchObject({ met: failed, of: failed + delivered });
      expect(found.selfServed).toMatchObject({ met: customer, of: customer + provider });
      expect(found.atMachine).toBe(machine);
      expect(found.delivered).toEqual({ of: delivered, p50Ms: quantile(waits, 0.5), p95Ms: quantile(waits, 0.95) });
      expect(found.firstByte.of).toBe(firsts.length);
      expect(found.firstByte.p95Ms).toBe(quantile(firsts, 0.95));
    }) as never,
  );
  property(
    'that were never heard of again are failures, however many were delivered',
    fc.property(fc.array(restore), (all) => {
      const whole = { startMs: 0, endMs: 1000 };
      const before = restoreFigures(all, whole);
      const lost = { state: 'abandoned', asker: 'customer', requestedMs: 1, firstByteMs: null, endedMs: 9 } as const;
      const after = restoreFigures([...all, lost], whole);
      expect(after.failed.met).toBe(before.failed.met + 1);
      expect(after.failed.share!).toBeGreaterThan(0);
      expect(after.delivered).toEqual(before.delivered);
    }) as never,
  );
  test('of which none was asked for say nothing, and are never a share of 1', () => {
    const { failed, selfServed, delivered } = restoreFigures([], { startMs: 0, endMs: 1 });
    expect([failed.share, selfServed.share, delivered.p50Ms]).toEqual([null, null, null]);
  });
  test('take no time that is less than none when a clock was set back', () => {
    const one = { state: 'delivered', asker: 'customer', requestedMs: 50, firstByteMs: 40, endedMs: 45 } as const;
    expect(restoreFigures([one], { startMs: 0, endMs: 100 }).delivered.p95Ms).toBe(0);
  });
});
