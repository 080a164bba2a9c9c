'use client';
import type { ReactNode } from 'react';
import { Area, AreaChart, CartesianGrid, ReferenceLine, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { type AgePoint, ageTicks } from './age-series.ts';
import { formatDuration, formatExact, formatTick } from './format.ts';

/** The saw itself. Drawn linearly between its corners, because an age grows evenly. */
export function AgePlot({
  series,
  rpoMs,
  timeZone,
}: {
  series: readonly AgePoint[];
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
          dataKey="atMs"
          type="number"
          domain={[first, last]}
          ticks={[first, (first + last) / 2, last]}
          tickFormatter={(atMs: number) => formatTick(atMs, last - first, timeZone)}
          tick={{ fill: 'var(--hf-ink-3)', fontSize: 12 }}
          tickLine={false}
          axisLine={{ stroke: 'var(--hf-line-strong)' }}
          interval="preserveStartEnd"
        />
        <YAxis
          width={62}
          domain={[0, top]}
          ticks={ageTicks(top)}
          tickFormatter={(ageMs: number) => (ageMs === 0 ? '0' : formatDuration(ageMs))}
          tick={{ fill: 'var(--hf-ink-3)', fontSize: 12 }}
          tickLine={false}
          axisLine={false}
        />
        {isTargetShown && (
          <ReferenceLine
            y={rpoMs}
            stroke="var(--hf-warn)"
            strokeDasharray="5 4"
            label={{
              value: `target ${formatDuration(rpoMs)}`,
              position: 'insideTopLeft',
              fill: 'var(--hf-warn)',
              fontSize: 12,
              dy: -16,
            }}
          />
        )}
        <Tooltip
          labelFormatter={(atMs) => formatExact(Number(atMs), timeZone)}
          formatter={(ageMs) => [formatDuration(Number(ageMs)), 'Data age']}
          contentStyle={{
            border: '1px solid var(--hf-line-strong)',
            borderRadius: 8,
            background: 'var(--hf-surface)',
            color: 'var(--hf-ink)',
            fontSize: 13,
          }}
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
      </AreaChart>
    </ResponsiveContainer>
  );
}
