import type { ReactNode } from 'react';
import type { PointTimes } from '../../core/domain/sla.ts';
import { AgeChartView } from './age-chart.client.tsx';
import { ageSeries } from './age-series.ts';

/** A week at most: older teeth of the saw are too thin to be seen. */
const SPAN_MS = 7 * 24 * 3600_000;

/** The data age over the last week with its target as a line. */
export function AgeChart({
  points,
  sinceMs,
  rpoMs,
  nowMs,
  timeZone,
}: {
  points: readonly PointTimes[];
  /** Since when the device is known. */
  sinceMs: number;
  rpoMs: number;
  nowMs: number;
  timeZone: string;
}): ReactNode {
  const series = ageSeries(points, Math.max(sinceMs, nowMs - SPAN_MS), nowMs);
  return <AgeChartView series={series} rpoMs={rpoMs} timeZone={timeZone} />;
}
