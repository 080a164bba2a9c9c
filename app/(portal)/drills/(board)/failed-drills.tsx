import { IconShieldCheck } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import type { DrillsView } from '../../../../server/drills/view-drills.ts';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { formatCount, formatCountOf } from '../../../../core/domain/format.ts';
import { Moment } from '../../../_ui/moment.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { DRILL_WORDS } from '../../../_ui/state-words.ts';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import classes from './drill-lists.module.css';
import { failureAdvice } from './drills-words.ts';

/** Failures that no later test has answered: why, and what to do. */
export function FailedDrills({ failures, nowMs }: Pick<DrillsView, 'failures' | 'nowMs'>): ReactNode {
  const { drills, total } = failures;
  return (
    <Panel
      title="Failed, and not answered yet"
      note={total > drills.length ? `The newest ${formatCount(drills.length)} of ${formatCount(total)}` : undefined}
      isFlush={drills.length > 0}
    >
      {drills.length === 0 ? (
        <EmptyState icon={<IconShieldCheck size={24} />} title="No failure stands">
          A test that fails is listed here with its cause until one of its depth has passed.
        </EmptyState>
      ) : (
        <ul className={classes.list}>
          {drills.map((drill) => (
            <li key={drill.id}>
              <div className={classes.head}>
                <Link href={`/drills/${drill.id}`} prefetch={false} className={classes.name}>
                  {drill.deviceName}
                </Link>
                <StatusBadge state={DRILL_WORDS[drill.state]} size="sm" />
                <span className={classes.small}>
                  {drill.customerName}, level {drill.level},{' '}
                  <Moment atMs={drill.finishedMs ?? drill.createdMs} clock={{ nowMs, timeZone: drill.timeZone }} />
                </span>
              </div>
              <p>{drill.errorMessage ?? 'It ended without saying why.'}</p>
              {(drill.mismatches > 0 || drill.failedChecks.length > 0) && (
                <p className={classes.small}>
                  {[
                    drill.mismatches > 0
                      ? `${formatCountOf(drill.mismatches, 'file')} did not come back as they were`
                      : '',
                    ...drill.failedChecks.map(({ name }) => name),
                  ]
                    .filter((part) => part !== '')
                    .join(' · ')}
                </p>
              )}
              <p className={classes.advice}>
                <b>What to do</b> {failureAdvice(drill)}
              </p>
              {drill.remediation !== null && <p className={classes.small}>Done so far: {drill.remediation}</p>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
