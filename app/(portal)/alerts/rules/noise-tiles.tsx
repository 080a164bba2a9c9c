import type { ReactNode } from 'react';
import { TEAM_TIME } from '../../../../core/domain/alerts/team-time.ts';
import { formatCount, formatCountOf, formatDuration } from '../../../../core/domain/format.ts';
import { percentText } from '../../../../core/domain/sla/percent-text.ts';
import type { RulesView } from '../../../../server/alerts/view.ts';
import { MetricRow, MetricTile } from '../../../_ui/metric-tile.tsx';
import { minutesText } from '../time/time-words.ts';

/** All rules together: how often they call, how much of it somebody had to do something about, and what it costs people. */
export function NoiseTiles({ view }: { view: Pick<RulesView, 'noise' | 'teamTime' | 'days' | 'devices'> }): ReactNode {
  const { noise, teamTime, days, devices } = view;
  const { time } = teamTime;
  const minutes = time.minutesPerCustomerDay;
  return (
    <MetricRow>
      <MetricTile
        name="Minutes a customer and day"
        value={minutes === null ? 'not measured' : minutesText(minutes)}
        note={
          minutes === null
            ? 'no customer has a device yet'
            : `budget ${TEAM_TIME.budgetMinutes} min; ${formatCountOf(time.items, 'item')} at ${formatCountOf(time.customers.length, 'customer')}`
        }
        {...(minutes === null
          ? {}
          : { share: minutes / TEAM_TIME.budgetMinutes, tone: time.isAbove ? ('risk' as const) : ('good' as const) })}
        href="/alerts/time"
      />
      <MetricTile
        name="Alerts per 100 devices and week"
        value={noise.per100DevicesWeek === null ? 'not measured' : noise.per100DevicesWeek.toFixed(1)}
        note={`${formatCountOf(noise.alerts, 'alert')} in ${days} days at ${formatCountOf(devices, 'device')}`}
        href="/alerts"
      />
      <MetricTile
        name="Mended"
        value={noise.actionableShare === null ? 'no case' : percentText(noise.actionableShare, 0)}
        note={
          noise.over === 0
            ? 'no alert is over yet'
            : `${formatCount(noise.actionable)} of ${formatCount(noise.over)} that are over`
        }
        href="/alerts?state=resolved"
      />
      <MetricTile
        name="Came back"
        value={noise.reopenShare === null ? 'no case' : percentText(noise.reopenShare, 0)}
        note={`${formatCount(noise.reopened)} of ${formatCountOf(noise.alerts, 'alert')}`}
        href="/alerts?state=resolved"
      />
      <MetricTile
        name="Until seen"
        value={lengthText(noise.mttaMs)}
        note={`mean of ${formatCount(noise.acknowledged)} acknowledged; until over ${lengthText(noise.mttrMs)}, mean of ${formatCount(noise.over)}`}
        href="/alerts?state=acknowledged"
      />
    </MetricRow>
  );
}

function lengthText(ms: number | null): string {
  return ms === null ? 'no case' : formatDuration(ms);
}
