'use client';
import type { ReactNode } from 'react';
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis } from 'recharts';
import { formatDuration } from '../../core/domain/format.ts';
import { ageAxis, targetLine, TIME_AXIS, TOOLTIP_LOOK } from './plot-parts.tsx';

interface ExposureDay {
  readonly day: string;
  readonly number: number;
  readonly peakMs: number | null;
}

/** The highest age of each day, with the strictest target as a line: the bars above it are told apart by the line, not by colour. */
export function ExposurePlot({ days, rpoMs }: { days: readonly ExposureDay[]; rpoMs: number | null }): ReactNode {
  const top = Math.max(...days.map(({ peakMs }) => peakMs ?? 0), rpoMs ?? 0, 60_000) * 1.1;
  return (
    <ResponsiveContainer width="100%" height={200}>
      <BarChart data={[...days]} margin={{ top: 16, right: 8, bottom: 0, left: 0 }} accessibilityLayer>
        <CartesianGrid vertical={false} stroke="var(--hf-line)" />
        <XAxis {...TIME_AXIS} dataKey="number" />
        {ageAxis(top)}
        {rpoMs !== null && targetLine(rpoMs)}
        <Tooltip
          labelFormatter={(_, items) => String((items[0]?.payload as ExposureDay | undefined)?.day ?? '')}
          formatter={(ageMs) => [formatDuration(Number(ageMs)), 'Most that could have been lost']}
          cursor={{ fill: 'var(--hf-sunken)' }}
          contentStyle={TOOLTIP_LOOK}
        />
        <Bar dataKey="peakMs" fill="var(--hf-calm)" radius={[3, 3, 0, 0]} isAnimationActive={false} />
      </BarChart>
    </ResponsiveContainer>
  );
}
