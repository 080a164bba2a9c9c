import type { ReactNode } from 'react';
import type { DeviceView } from '../../../../server/devices/queries.ts';
import { AgeChart } from '../../../_ui/age-chart.tsx';
import { HistoryBar } from '../../../_ui/history-bar.tsx';
import type { PageClock } from '../../../_ui/moment.tsx';
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
          sinceMs={view.enrolledMs}
          rpoMs={view.device.rpoMs}
          nowMs={view.nowMs}
          timeZone={clock.timeZone}
        />
      </Panel>
      <Panel title="Last 28 days">
        <HistoryBar days={view.device.history} />
        <ul className={classes.legend}>
          <li data-kind="ok">made as expected</li>
          <li data-kind="late">late or partial</li>
          <li data-kind="missed">failed or missed</li>
          <li data-kind="drill">restore drill passed</li>
        </ul>
      </Panel>
    </div>
  );
}
