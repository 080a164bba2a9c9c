'use client';
import type { ReactNode } from 'react';
import { CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { formatBytes } from '../../../core/domain/format.ts';
import { TIME_AXIS, TOOLTIP_LOOK, VALUE_AXIS } from '../../_ui/plot-parts.tsx';

interface UsagePoint {
  readonly day: string;
  readonly protectedBytes: number;
  readonly storedBytes: number;
}

const NAMES: Readonly<Record<string, string>> = { protectedBytes: 'Protected', storedBytes: 'Stored' };

/** Two lines, told apart by their dashes as well as by their colour. */
export function UsagePlot({ points }: { points: readonly UsagePoint[] }): ReactNode {
  return (
    <ResponsiveContainer width="100%" height={240}>
      <LineChart data={[...points]} margin={{ top: 12, right: 8, bottom: 0, left: 0 }} accessibilityLayer>
        <CartesianGrid vertical={false} stroke="var(--hf-line)" />
        <XAxis {...TIME_AXIS} dataKey="day" tickFormatter={(day: string) => day.slice(5)} minTickGap={28} />
        <YAxis
          {...VALUE_AXIS}
          width={72}
          domain={[0, 'auto']}
          tickFormatter={(bytes: number) => (bytes === 0 ? '0' : formatBytes(bytes))}
        />
        <Tooltip
          formatter={(bytes, name) => [formatBytes(Number(bytes)), NAMES[String(name)] ?? String(name)]}
          contentStyle={TOOLTIP_LOOK}
        />
        <Line
          dataKey="protectedBytes"
          stroke="var(--hf-ink-2)"
          strokeDasharray="5 4"
          strokeWidth={1.8}
          dot={points.length < 3}
          isAnimationActive={false}
        />
        <Line
          dataKey="storedBytes"
          stroke="var(--hf-accent)"
          strokeWidth={2}
          dot={points.length < 3}
          isAnimationActive={false}
        />
      </LineChart>
    </ResponsiveContainer>
  );
}
