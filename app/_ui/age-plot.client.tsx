'use client';
import type { ReactNode } from 'react';
import { Area, AreaChart, CartesianGrid, ReferenceDot, ResponsiveContainer, Tooltip, XAxis } from 'recharts';
import type { AgePoint } from './age-series.ts';
import { ageAxis, targetLine, TIME_AXIS, TOOLTIP_LOOK } from './plot-parts.tsx';
import { formatDuration, formatExact, formatTick } from '../../core/domain/format.ts';

export interface DrillMark {
  readonly atMs: number;
  readonly level: number;
  readonly state: 'passed' | 'failed';
}

/** The saw itself. Drawn linearly between its corners, because an age grows evenly. */
export function AgePlot({
  series,
  drills,
  rpoMs,
  timeZone,
}: {
  series: readonly AgePoint[];
  drills: readonly DrillMark[];
  rpoMs: number;
  timeZone: string;
}): ReactNode {
  const first = series[0]?.atMs ?? 0;
  const last = series.at(-1)?.atMs ?? 1;
  const highest = Math.max(...series.map((point) => point.ageMs), 0);
  // The target belongs into the picture, unless the data is so young that the saw would be flat beneath it.
  const top = highest * 4 < rpoMs ? Math.max(highest * 1.25, 60_000) : Math.max(highest, rpoMs) * 1.1;
  const isTargetShown = top >= rpoMs;
  return (
    <ResponsiveContainer width="100%" height={168}>
      <AreaChart data={[...series]} margin={{ top: 14, right: 8, bottom: 0, left: 0 }} accessibilityLayer>
        <CartesianGrid vertical={false} stroke="var(--hf-line)" />
        <XAxis
          {...TIME_AXIS}
          dataKey="atMs"
          type="number"
          domain={[first, last]}
          ticks={[first, (first + last) / 2, last]}
          tickFormatter={(atMs: number) => formatTick(atMs, last - first, timeZone)}
        />
        {ageAxis(top)}
        {isTargetShown && targetLine(rpoMs)}
        <Tooltip
          labelFormatter={(atMs) => formatExact(Number(atMs), timeZone)}
          formatter={(ageMs) => [formatDuration(Number(ageMs)), 'Data age']}
          contentStyle={TOOLTIP_LOOK}
        />
        <Area
          dataKey="ageMs"
          type="linear"
          stroke="var(--hf-calm)"
          strokeWidth={1.75}
          fill="var(--hf-calm-soft)"
          isAnimationActive={false}
          dot={false}
        />
        {drills.map((drill) => (
          <ReferenceDot
            key={`${drill.atMs}-${drill.level}`}
            x={drill.atMs}
            y={0}
            ifOverflow="visible"
            zIndex={600}
            shape={(place: { cx?: number; cy?: number }) => (
              <DrillShape drill={drill} cx={place.cx ?? 0} cy={place.cy ?? 0} timeZone={timeZone} />
            )}
          />
        ))}
      </AreaChart>
    </ResponsiveContainer>
  );
}

/** A drill on the time axis: a disc that passed, a diamond that failed, as in the bar of 28 days. */
function DrillShape({
  drill,
  cx,
  cy,
  timeZone,
}: {
  drill: DrillMark;
  cx: number;
  cy: number;
  timeZone: string;
}): ReactNode {
  const words = `Restore drill of level ${drill.level} ${drill.state}, ${formatExact(drill.atMs, timeZone)}`;
  return (
    <g role="img" aria-label={words}>
      <title>{words}</title>
      {drill.state === 'passed' ? (
        <circle cx={cx} cy={cy} r={5} fill="var(--hf-good)" stroke="var(--hf-surface)" strokeWidth={1.5} />
      ) : (
        <rect
          x={cx - 4.5}
          y={cy - 4.5}
          width={9}
          height={9}
          transform={`rotate(45 ${cx} ${cy})`}
          fill="var(--hf-risk)"
          stroke="var(--hf-surface)"
          strokeWidth={1.5}
        />
      )}
    </g>
  );
}
