import { IconCoffee } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { viewToday } from '../../../server/alerts/queries.ts';
import type { TodayView } from '../../../server/alerts/view.ts';
import { listQueueAlerts } from '../../../server/queues/queries.ts';
import { staffScope } from '../../_server/session.ts';
import { ActionButton } from '../../_ui/action-button.client.tsx';
import { EmptyState } from '../../_ui/empty-state.tsx';
import { formatCount, formatCountOf } from '../../../core/domain/format.ts';
import { LiveRefresh } from '../../_ui/live-refresh.client.tsx';
import { MetricRow, MetricTile } from '../../_ui/metric-tile.tsx';
import { ShortTime } from '../../_ui/moment.tsx';
import { PageHeader } from '../../_ui/page-header.tsx';
import { Panel } from '../../_ui/panel.tsx';
import { QueueNotices } from '../../_ui/queue-notices.tsx';
import { TodayKeys } from './today-keys.client.tsx';
import { TodayList } from './today-list.tsx';
import { todaySentence } from './today-words.ts';
import classes from './today.module.css';

export const metadata: Metadata = { title: 'Today' };

/** The morning's list: what needs a person, over all customers, one item for one cause. */
export default async function TodayPage(): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const view = await viewToday(services, scope);
  const queueAlerts = await listQueueAlerts(services, scope);
  const isCalm = view.groups.length === 0;
  return (
    <>
      <LiveRefresh isActive={false} />
      <TodayKeys />
      <PageHeader
        eyebrow="Today"
        sentence={todaySentence(view)}
        support={<Review view={view} />}
        actions={
          <ActionButton path="/api/alerts/review" done="Kept, with your name and the time.">
            I have looked at all of it
          </ActionButton>
        }
      />
      <QueueNotices alerts={queueAlerts} clock={{ nowMs: view.nowMs, timeZone: 'UTC' }} withLink />
      <Counts view={view} />
      <Panel isFlush={!isCalm}>
        {isCalm ? (
          <EmptyState
            icon={<IconCoffee size={24} />}
            title={view.devices === 0 ? 'Here you will see what needs you' : 'All quiet'}
            actions={
              view.devices === 0 ? (
                <Link href="/settings/enrol">Add the first device</Link>
              ) : (
                <Link href="/fleet">Look at the fleet</Link>
              )
            }
          >
            {view.devices === 0
              ? 'One item for one cause, over all customers, the most urgent first.'
              : `${formatCountOf(view.devices, 'device')} ${view.devices === 1 ? 'is' : 'are'} watched by every rule that is on. What needs somebody appears here by itself.`}
          </EmptyState>
        ) : (
          <TodayList view={view} />
        )}
      </Panel>
      <p className={classes.foot}>
        <span>
          {view.isCut && 'There are more alerts than are shown; what is left out is less urgent. '}
          {view.snoozed > 0 && (
            <Link href="/alerts?state=snoozed">
              {formatCountOf(view.snoozed, 'alert')} {view.snoozed === 1 ? 'is' : 'are'} snoozed
            </Link>
          )}
        </span>
        {!isCalm && (
          <span className={classes.keys}>
            <kbd>J</kbd> <kbd>K</kbd> next, previous · <kbd>Enter</kbd> open · <kbd>A</kbd> acknowledge · <kbd>S</kbd>{' '}
            snooze · <kbd>O</kbd> assign · <kbd>E</kbd> excuse
          </span>
        )}
      </p>
    </>
  );
}

/** When somebody last said that they had looked at everything. Times are told by the clock of the service's day: UTC. */
function Review({ view: { review, nowMs } }: { view: TodayView }): ReactNode {
  if (review === null) return 'Nobody has signed the list off yet.';
  return (
    <>
      Reviewed by {review.name}, <ShortTime atMs={review.atMs} clock={{ nowMs, timeZone: 'UTC' }} /> UTC
      {review.openGroups === 0 ? ', with nothing open.' : `, with ${formatCountOf(review.openGroups, 'thing')} open.`}
    </>
  );
}

function Counts({ view: { counts } }: { view: TodayView }): ReactNode {
  const tone = (count: number, which: 'risk' | 'warn') => (count > 0 ? { tone: which } : {});
  return (
    <MetricRow>
      <MetricTile name="Open" value={formatCount(counts.open)} note="causes, not machines" />
      <MetricTile
        name="Breaching in less than 4 h"
        value={formatCount(counts.breachingSoon)}
        note="devices, unless a backup comes"
        {...tone(counts.breachingSoon, 'warn')}
      />
      <MetricTile name="Silent" value={formatCount(counts.silent)} note="devices" {...tone(counts.silent, 'warn')} />
      <MetricTile
        name="Failed drills"
        value={formatCount(counts.failedDrills)}
        note="devices"
        {...tone(counts.failedDrills, 'risk')}
      />
      <MetricTile
        name="Anomalies"
        value={formatCount(counts.anomalies)}
        note="devices whose backups look unusual"
        {...tone(counts.anomalies, 'risk')}
      />
    </MetricRow>
  );
}
