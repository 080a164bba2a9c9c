import { expect, test } from 'vitest';
import { dataAgeMs, type PointTimes } from '../../core/domain/sla/data-age.ts';
import { ageSeries, ageTicks } from './age-series.ts';

test('between and at its corners the saw is the data age of the metrics', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed | 1;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  for (let round = 0; round < 200; round++) {
    const points: PointTimes[] = Array.from({ length: random(8) }, () => {
      const captureMs = random(10_000);
      return { captureMs, commitMs: captureMs + 1 + random(2000) };
    });
    const nowMs = 9000 + random(4000);
    const sinceMs = random(9000);
    const series = ageSeries(points, sinceMs, nowMs);
    for (let at = 1; at < series.length; at++) {
      const [a, b] = [series[at - 1]!, series[at]!];
      expect(b.atMs, `seed ${seed}`).toBeGreaterThanOrEqual(a.atMs);
      // A stretch of the saw; the fall at a commit has no width and nothing inside it.
      if (b.atMs - a.atMs < 2) continue;
      const middle = Math.floor((a.atMs + b.atMs) / 2);
      expect(a.ageMs + (middle - a.atMs), `seed ${seed}`).toBe(dataAgeMs(points, middle));
    }
  }
});

test('a device that was never backed up has no age to draw', () => {
  expect(ageSeries([], 0, 1000)).toEqual([]);
  expect(ageSeries([{ captureMs: 100, commitMs: 2000 }], 0, 1000).every((corner) => corner.ageMs >= 0)).toBe(true);
});

test('the axis has one to four round steps, whatever the span', () => {
  for (let topMs = 1000; topMs < 1e12; topMs *= 1.37) {
    const ticks = ageTicks(topMs);
    expect(ticks[0]).toBe(0);
    expect(ticks.length, String(topMs)).toBeGreaterThanOrEqual(2);
    expect(ticks.length, String(topMs)).toBeLessThanOrEqual(5);
    expect(ticks.at(-1)!).toBeLessThanOrEqual(topMs);
  }
});
