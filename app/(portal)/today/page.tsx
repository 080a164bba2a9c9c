import { IconCoffee } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { z } from 'zod';
import type { AlertKind } from '../../../core/domain/alerts/kinds.ts';
import { TODAY_COUNTERS, viewToday } from '../../../server/alerts/queries.ts';
import type { TodayView } from '../../../server/alerts/view.ts';
import { listQueueAlerts } from '../../../server/queues/queries.ts';
import type { SearchProps } from '../../_server/page-props.ts';
import { staffScope } from '../../_server/session.ts';
import { ActionButton } from '../../_ui/action-button.client.tsx';
import { DataTable } from '../../_ui/data-table.tsx';
import { EmptyState } from '../../_ui/empty-state.tsx';
import { formatCount, formatCountOf, formatDuration } from '../../../core/domain/format.ts';
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

const query = z.object({ only: z.enum(['breaching', 'silent', 'drills', 'anomalies']).nullable().catch(null) });
type Only = z.infer<typeof query>['only'];
const ONLY_WORDS: Readonly<Record<NonNullable<Only>, string>> = {
  breaching: 'Devices whose promise breaks in less than four hours, unless a backup comes.',
  silent: 'Only what stands because a machine is silent.',
  drills: 'Only what stands because a restore test failed.',
  anomalies: 'Only what stands because a backup looks unusual.',
};

/** The alerts that a counter counts, in their groups. */
function onlyThose(groups: TodayView['groups'], only: Only): TodayView['groups'] {
  if (only === null || only === 'breaching') return groups;
  const kinds: readonly AlertKind[] = TODAY_COUNTERS[only];
  return groups.filter(({ alerts }) => alerts.some(({ kind }) => kinds.includes(kind)));
}

/** The morning's list: what needs a person, over all customers, one item for one cause. */
export default async function TodayPage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const { only } = query.parse(await searchParams);
  const whole = await viewToday(services, scope);
  const view = { ...whole, groups: onlyThose(whole.groups, only) };
  const queueAlerts = await listQueueAlerts(services, scope);
  const isCalm = whole.groups.length === 0;
  return (
    <>
      <LiveRefresh isActive={false} />
      <TodayKeys />
      <PageHeader
        eyebrow="Today"
        sentence={todaySentence(whole)}
        support={<Review view={whole} />}
        actions={
          <ActionButton path="/api/alerts/review" done="Kept, with your name and the time.">
            I have looked at all of it
          </ActionButton>
        }
      />
      <QueueNotices alerts={queueAlerts} clock={{ nowMs: view.nowMs, timeZone: 'UTC' }} withLink />
      <Counts view={whole} />
      {only !== null && (
        <p className={classes.only}>
          {ONLY_WORDS[only]} <Link href="/today">Show everything</Link>
        </p>
      )}
      <Panel isFlush={only === 'breaching' ? view.breaching.length > 0 : view.groups.length > 0}>
        {only === 'breaching' ? (
          <Breaching view={whole} />
        ) : !isCalm && view.groups.length === 0 ? (
          <EmptyState icon={<IconCoffee size={24} />} title="None">
            Nothing stands because of that.
          </EmptyState>
        ) : isCalm ? (
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

/** Whose promise breaks soon, alerted or not, the first one first. */
function Breaching({ view: { breaching, counts, nowMs } }: { view: TodayView }): ReactNode {
  if (breaching.length === 0)
    return (
      <EmptyState icon={<IconCoffee size={24} />} title="None">
        No promise breaks in the next four hours without a backup that is due before.
      </EmptyState>
    );
  return (
    <>
      <DataTable
        label="Devices whose promise breaks soon"
        columns={[
          { key: 'name', header: 'Device', cell: ({ deviceName }) => deviceName },
          { key: 'customer', header: 'Customer', cell: ({ customerName }) => customerName },
          {
            key: 'breach',
            header: 'Breaks in',
            align: 'end',
            cell: ({ breachMs }) => formatDuration(breachMs - nowMs),
          },
          {
            key: 'at',
            header: 'At',
            align: 'end',
            cell: ({ breachMs, timeZone }) => <ShortTime atMs={breachMs} clock={{ nowMs, timeZone }} />,
          },
        ]}
        rows={breaching}
        rowKey={({ deviceId }) => deviceId}
        href={({ deviceId }) => `/devices/${deviceId}`}
      />
      {counts.breachingSoon > breaching.length && (
        <p className={classes.small}>and {formatCount(counts.breachingSoon - breaching.length)} more</p>
      )}
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
      <MetricTile name="Open" value={formatCount(counts.open)} note="causes, not machines" href="/today" />
      <MetricTile
        name="Breaching in less than 4 h"
        value={formatCount(counts.breachingSoon)}
        note="devices, unless a backup comes"
        href="/today?only=breaching"
        {...tone(counts.breachingSoon, 'warn')}
      />
      <MetricTile
        name="Silent"
        value={formatCount(counts.silent)}
        note="devices"
        href="/today?only=silent"
        {...tone(counts.silent, 'warn')}
      />
      <MetricTile
        name="Failed drills"
        value={formatCount(counts.failedDrills)}
        note="devices"
        href="/today?only=drills"
        {...tone(counts.failedDrills, 'risk')}
      />
      <MetricTile
        name="Anomalies"
        value={formatCount(counts.anomalies)}
        note="devices whose backups look unusual"
        href="/today?only=anomalies"
        {...tone(counts.anomalies, 'risk')}
      />
    </MetricRow>
  );
}
