import { IconShieldCheck } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import type { DrillsView } from '../../../../server/drills/view-drills.ts';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { formatCount } from '../../../../core/domain/format.ts';
import { Moment } from '../../../_ui/moment.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { PhaseSteps } from '../../../_ui/phase-steps.tsx';
import { ProgressLine } from '../../../_ui/progress-line.tsx';
import { drillSteps } from '../[id]/drill-words.ts';
import classes from './drill-lists.module.css';

/** What is being tested at this moment, step by step. */
export function RunningDrills({ running, nowMs }: Pick<DrillsView, 'running' | 'nowMs'>): ReactNode {
  const { drills, total } = running;
  return (
    <Panel
      title="Running now"
      note={total > drills.length ? `${formatCount(drills.length)} of ${formatCount(total)}` : undefined}
      isFlush={drills.length > 0}
    >
      {drills.length === 0 ? (
        <EmptyState icon={<IconShieldCheck size={24} />} title="No restore is tested at this moment">
          Tests begin by themselves when a policy wants them and a new restore point was verified.
        </EmptyState>
      ) : (
        <ul className={classes.list}>
          {drills.map((drill) => (
            <li key={drill.id}>
              <div className={classes.head}>
                <Link href={`/drills/${drill.id}`} prefetch={false} className={classes.name}>
                  {drill.deviceName}
                </Link>
                <span className={classes.small}>
                  {drill.customerName}, level {drill.level}, asked for{' '}
                  <Moment atMs={drill.createdMs} clock={{ nowMs, timeZone: drill.timeZone }} />
                </span>
              </div>
              <ProgressLine
                label={drill.state === 'queued' ? 'Waiting for a worker' : `Testing ${drill.deviceName}`}
                share={drill.filesPlanned === 0 ? null : drill.filesDone / drill.filesPlanned}
                words={
                  drill.filesPlanned === 0
                    ? ''
                    : `${formatCount(drill.filesDone)} of ${formatCount(drill.filesPlanned)} files`
                }
              />
              {drill.steps.length > 0 && (
                <PhaseSteps label={`Steps of the test of ${drill.deviceName}`} steps={drillSteps(drill.steps)} />
              )}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
