import type { ReactNode } from 'react';
import type { PointTimes } from '../../core/domain/sla/data-age.ts';
import { AgeChartView } from './age-chart.client.tsx';
import type { DrillMark } from './age-plot.client.tsx';
import { ageSeries } from './age-series.ts';

/** A week at most: older teeth of the saw are too thin to be seen. */
const SPAN_MS = 7 * 24 * 3600_000;

/** The data age over the last week with its target as a line. */
export function AgeChart({
  points,
  drills,
  sinceMs,
  rpoMs,
  nowMs,
  timeZone,
}: {
  points: readonly PointTimes[];
  /** Restore drills that reached a verdict; those of the span are marked. */
  drills: readonly DrillMark[];
  /** Since when the device is known. */
  sinceMs: number;
  rpoMs: number;
  nowMs: number;
  timeZone: string;
}): ReactNode {
  const series = ageSeries(points, Math.max(sinceMs, nowMs - SPAN_MS), nowMs);
  const firstMs = series[0]?.atMs ?? nowMs;
  const marks = drills.filter(({ atMs }) => atMs >= firstMs && atMs <= nowMs);
  return <AgeChartView series={series} drills={marks} rpoMs={rpoMs} timeZone={timeZone} />;
}
