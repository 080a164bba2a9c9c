import type { ReactNode } from 'react';
import type { DeviceView } from '../../../../server/devices/queries.ts';
import type { DrillMark } from '../../../_ui/age-plot.client.tsx';
import { AgeChart } from '../../../_ui/age-chart.tsx';
import type { PageClock } from '../../../_ui/moment.tsx';
import { BarLegend, BarPatterns, OccurrenceBar } from '../../../_ui/occurrence-bar.client.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import classes from './device-history.module.css';

/** How old the data was over the last days against its target, and the 28 days beside it. */
export function DeviceHistory({ view, clock }: { view: DeviceView; clock: PageClock }): ReactNode {
  const points = view.points
    .filter((point) => point.state === 'sealed' && point.isUsable)
    .map((point) => ({ captureMs: point.captureMs, commitMs: point.sealedMs }));
  if (points.length === 0) return null;
  return (
    <div className={classes.history}>
      <Panel title="Data age" note="how much would have been lost, at each moment">
        <AgeChart
          points={points}
          drills={drillMarks(view)}
          sinceMs={view.enrolledMs}
          rpoMs={view.device.rpoMs}
          nowMs={view.nowMs}
          timeZone={clock.timeZone}
        />
      </Panel>
      <Panel title="Last 28 days">
        <BarPatterns />
        <OccurrenceBar bar={view.bar} name={view.device.name} timeZone={clock.timeZone} />
        <BarLegend bar={view.bar} />
      </Panel>
    </div>
  );
}

function drillMarks({ drills }: DeviceView): DrillMark[] {
  return drills.flatMap(({ state, finishedMs, level }) =>
    finishedMs !== null && (state === 'passed' || state === 'failed') ? [{ atMs: finishedMs, level, state }] : [],
  );
}
