/** What the plots have in common: the look of axes and of what is shown under the pointer, and the axis of ages. */
import type { ReactElement } from 'react';
import { ReferenceLine, YAxis } from 'recharts';
import { formatDuration } from '../../core/domain/format.ts';
import { ageTicks } from './age-series.ts';

export const TICK = { fill: 'var(--hf-ink-3)', fontSize: 12 } as const;
export const TIME_AXIS = {
  tick: TICK,
  tickLine: false,
  axisLine: { stroke: 'var(--hf-line-strong)' },
  interval: 'preserveStartEnd',
} as const;
export const VALUE_AXIS = { tick: TICK, tickLine: false, axisLine: false } as const;
export const TOOLTIP_LOOK = {
  border: '1px solid var(--hf-line-strong)',
  borderRadius: 8,
  background: 'var(--hf-surface)',
  color: 'var(--hf-ink)',
  fontSize: 13,
} as const;

/** Ages from none up to `topMs`, at round durations. */
export function ageAxis(topMs: number): ReactElement {
  return (
    <YAxis
      {...VALUE_AXIS}
      width={62}
      domain={[0, topMs]}
      ticks={ageTicks(topMs)}
      tickFormatter={(ageMs: number) => (ageMs === 0 ? '0' : formatDuration(ageMs))}
    />
  );
}

/** The age that was agreed, dashed and named: what lies above it is told by the line, not by a colour. */
export function targetLine(rpoMs: number): ReactElement {
  return (
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
  );
}
