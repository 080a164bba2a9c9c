'use client';
import type { ReactNode } from 'react';
import { CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { formatDay, formatTick } from '../../../../core/domain/format.ts';
import type { GrowthSignalName } from '../../../../core/domain/alerts/growth.ts';
import { GROWTH_WORDS } from '../../../../core/domain/alerts/growth-words.ts';
import { TIME_AXIS, TOOLTIP_LOOK, VALUE_AXIS } from '../../../_ui/plot-parts.tsx';

/** A day of one signal. */
export interface GrowthPoint {
  readonly atMs: number;
  readonly value: number;
  readonly usual: number;
  /** Robust standard deviations from what is usual, in the direction that harms. */
  readonly z: number;
  /** The day stands out, by this signal among others. */
  readonly isFar: boolean;
}

const NAMES: Readonly<Record<string, string>> = { value: 'that day', usual: 'usually' };

/** The signal as a line, what is usual as a dashed one; a day that stands out is a diamond on it, and says so. */
export function GrowthPlot({
  name,
  points,
  timeZone,
}: {
  name: GrowthSignalName;
  points: readonly GrowthPoint[];
  timeZone: string;
}): ReactNode {
  const { format } = GROWTH_WORDS[name];
  const first = points[0]?.atMs ?? 0;
  const last = points.at(-1)?.atMs ?? 1;
  return (
    <ResponsiveContainer width="100%" height={132}>
      <LineChart data={[...points]} margin={{ top: 10, right: 10, bottom: 0, left: 0 }} accessibilityLayer>
        <CartesianGrid vertical={false} stroke="var(--hf-line)" />
        <XAxis
          {...TIME_AXIS}
          dataKey="atMs"
          type="number"
          domain={[first, last]}
          ticks={[first, last]}
          tickFormatter={(atMs: number) => formatTick(atMs, last - first, timeZone).split(',')[0]!}
        />
        <YAxis
          {...VALUE_AXIS}
          width={66}
          domain={[0, topOf(name, points)]}
          tickCount={3}
          tickFormatter={(value: number) => (value === 0 ? '0' : axisText(name, value))}
        />
        <Tooltip
          labelFormatter={(atMs) => formatDay(Number(atMs), timeZone)}
          formatter={(value, key, { payload }) => [
            `${format(Number(value))}${key === 'value' && (payload as GrowthPoint).isFar ? ', stands out' : ''}`,
            NAMES[String(key)] ?? String(key),
          ]}
          contentStyle={TOOLTIP_LOOK}
        />
        <Line
          dataKey="usual"
          stroke="var(--hf-ink-3)"
          strokeDasharray="4 4"
          strokeWidth={1.4}
          dot={false}
          isAnimationActive={false}
        />
        <Line
          dataKey="value"
          stroke="var(--hf-calm)"
          strokeWidth={1.75}
          isAnimationActive={false}
          dot={({ key, cx, cy, payload }) => (
            <DayShape
              key={key}
              cx={cx ?? 0}
              cy={cy ?? 0}
              point={payload as GrowthPoint | undefined}
              words={format}
              timeZone={timeZone}
            />
          )}
        />
      </LineChart>
    </ResponsiveContainer>
  );
}

/** A day that stands out is a diamond; the others are small dots, so that days without a backup are seen as gaps. */
function DayShape({
  cx,
  cy,
  point,
  words,
  timeZone,
}: {
  cx: number;
  cy: number;
  point: GrowthPoint | undefined;
  words: (value: number) => string;
  timeZone: string;
}): ReactNode {
  if (point?.isFar !== true) return <circle cx={cx} cy={cy} r={1.8} fill="var(--hf-calm)" />;
  const title = `${formatDay(point.atMs, timeZone)}: ${words(point.value)}, usually ${words(point.usual)}; this stands out`;
  return (
    <g role="img" aria-label={title}>
      <title>{title}</title>
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
    </g>
  );
}

/** Shares and bits have their own end; what has none ends at a round figure above what there was. */
function topOf(name: GrowthSignalName, points: readonly GrowthPoint[]): number | 'auto' {
  const highest = Math.max(...points.flatMap(({ value, usual }) => [value, usual]));
  switch (name) {
    case 'entropy':
      return 8;
    case 'known':
    case 'stored':
      return 1;
    case 'changed':
    case 'gone':
      return highest < 0.02 ? 0.02 : 'auto';
    case 'unique':
      return highest < 1_000_000 ? 1_000_000 : 'auto';
  }
}

function axisText(name: GrowthSignalName, value: number): string {
  return name === 'entropy' ? `${value} bits` : GROWTH_WORDS[name].format(value);
}
