import { IconCalendarStats, IconDeviceDesktopPlus } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { percentText } from '../../core/domain/sla/percent-text.ts';
import type { CustomerHomeView, SourceMonthView } from '../../server/customers/queries.ts';
import { CustomerAlerts } from './customer-alerts.tsx';
import { CoverageTiles } from './coverage-tiles.tsx';
import { customerSentence, monthName } from './customer-sentence.ts';
import { type Column, DataTable } from './data-table.tsx';
import { DeviceTable } from './device-table.tsx';
import { EmptyState } from './empty-state.tsx';
import { formatBytes, formatCount, formatCountOf, formatDay, formatDuration } from '../../core/domain/format.ts';
import { LiveRefresh } from './live-refresh.client.tsx';
import { MetricRow, MetricTile } from './metric-tile.tsx';
import { Moment, type PageClock } from './moment.tsx';
import { MonthCalendar } from './month-calendar.tsx';
import { type Crumb, PageHeader } from './page-header.tsx';
import { Panel } from './panel.tsx';
import { figureLinks, ReadinessPanel } from './readiness-panel.tsx';
import { TwoColumns } from './two-columns.tsx';

/** A customer's month, for their own users and for staff who look at it with their eyes. */
export function CustomerHome({
  view,
  crumbs = [],
  isStaff,
}: {
  view: CustomerHomeView;
  crumbs?: readonly Crumb[];
  isStaff: boolean;
}): ReactNode {
  const clock: PageClock = { nowMs: view.nowMs, timeZone: view.customer.timeZone };
  const isBelow = (source: SourceMonthView): boolean => source.attainment !== null && source.attainment < 1;
  const below = view.sources.filter(isBelow).length;
  return (
    <>
      <LiveRefresh isActive={view.devices.some((device) => device.isBusy)} />
      <PageHeader
        crumbs={crumbs}
        eyebrow={view.customer.name}
        sentence={customerSentence(view)}
        support={
          view.sources.length === 0
            ? undefined
            : `Measured over ${formatCountOf(view.sources.length, 'source')}: the share of time in which the newest restore point was younger than its target.`
        }
        actions={
          <>
            <Link href={isStaff ? `/customers/${view.customer.id}/sla` : '/sla'}>The month against the contract</Link>
            <Link href={isStaff ? `/customers/${view.customer.id}/proof` : '/proof'}>How recoveries were tested</Link>
          </>
        }
      />
      <CustomerAlerts alerts={view.alerts} devices={view.devices} />
      {view.devices.length > 0 && <HomeTiles view={view} clock={clock} below={below} isStaff={isStaff} />}
      <div style={{ marginBottom: 16 }}>
        <Panel title="What is protected" isFlush>
          {view.devices.length === 0 ? (
            <EmptyState
              icon={<IconDeviceDesktopPlus size={24} />}
              title="No device is protected yet"
              actions={isStaff ? <Link href="/settings/enrol">Add the first device</Link> : undefined}
            >
              {isStaff
                ? 'Make an enrolment token and run one command on the machine.'
                : 'Your provider adds devices; each appears here with the age of its data and of its last proven restore.'}
            </EmptyState>
          ) : (
            <DeviceTable devices={view.devices} nowMs={view.nowMs} />
          )}
        </Panel>
      </div>
      {view.devices.length > 0 && <Month view={view} />}
      {view.standing !== null && (
        <div style={{ marginTop: 16 }}>
          <ReadinessPanel
            standing={view.standing}
            figures={view.figures}
            links={figureLinks(view.customer.id, view.month, isStaff)}
          />
          {view.standing.held !== null && (
            <div style={{ marginTop: 16 }}>
              <Panel title="What lies on the machines" note="and how much of it is backed up">
                <MetricRow>
                  <CoverageTiles figures={view.standing.held} href={`/customers/${view.customer.id}/inventory`} />
                </MetricRow>
              </Panel>
            </div>
          )}
        </div>
      )}
    </>
  );
}

function Month({ view }: { view: CustomerHomeView }): ReactNode {
  return (
    <TwoColumns
      main={
        <Panel title={`${monthName(view.month)}, day by day`} note={`in the zone ${view.customer.timeZone}`}>
          <MonthCalendar
            month={view.month}
            devices={view.devices}
            nowMs={view.nowMs}
            timeZone={view.customer.timeZone}
          />
        </Panel>
      }
      side={
        <Panel title={`${monthName(view.month)} in figures`} isFlush>
          {view.sources.length === 0 ? (
            <EmptyState icon={<IconCalendarStats size={24} />} title="The first figures come with the first backup">
              From then on each source shows how much of the month it was inside its target, and the most that could
              have been lost.
            </EmptyState>
          ) : (
            <SourceTable view={view} />
          )}
        </Panel>
      }
    />
  );
}

function HomeTiles({
  view,
  clock,
  below,
  isStaff,
}: {
  view: CustomerHomeView;
  clock: PageClock;
  below: number;
  isStaff: boolean;
}): ReactNode {
  const worst = worstSource(view.sources);
  const peak = peakSource(view.sources);
  const rows = `/customers/${view.customer.id}/sla/rows?month=${view.month}`;
  return (
    <MetricRow>
      <MetricTile
        name="Recoverable this month"
        value={worst?.attainment == null ? '–' : percentText(worst.attainment)}
        note={
          worst === null
            ? 'no figures yet'
            : view.sources.length === 1
              ? `target ${formatDuration(worst.rpoMs)}, n = 1 source`
              : `worst of n = ${view.sources.length} sources: ${worst.deviceName}`
        }
        {...(worst === null ? {} : { href: `${rows}&source=${worst.sourceId}` })}
        {...(worst?.attainment != null && worst.attainment < 1 ? { tone: 'warn' as const } : {})}
      />
      <MetricTile
        name="Below target"
        value={view.sources.length === 0 ? '–' : `${below} of ${view.sources.length}`}
        note="sources with time outside their target"
        href={isStaff ? `/customers/${view.customer.id}/sla?month=${view.month}` : `/sla?month=${view.month}`}
        {...(below > 0 ? { tone: 'warn' as const } : {})}
      />
      <MetricTile
        name="Most that could have been lost"
        value={peak?.peakMs == null ? '–' : formatDuration(peak.peakMs)}
        note={
          peak?.peakAtMs == null
            ? 'no restore point yet'
            : `${peak.deviceName}, ${formatDay(peak.peakAtMs, clock.timeZone)}`
        }
        {...(peak === null ? {} : { href: `${rows}&source=${peak.sourceId}` })}
      />
      <MetricTile
        name="Last proven restore"
        value={<Moment atMs={view.lastProof?.finishedMs ?? null} clock={clock} empty="none yet" />}
        note={
          view.lastProof === null ? (
            'the first drill follows the first backup'
          ) : (
            <Link href={`/drills/${view.lastProof.drillId}`}>
              {formatCountOf(view.lastProof.filesMatched, 'file')}, {formatBytes(view.lastProof.bytes)} compared
            </Link>
          )
        }
      />
    </MetricRow>
  );
}

/** The source that was outside its target for the largest share. */
function worstSource(sources: readonly SourceMonthView[]): SourceMonthView | null {
  return sources.reduce<SourceMonthView | null>(
    (worst, one) =>
      one.attainment !== null && (worst?.attainment == null || one.attainment < worst.attainment) ? one : worst,
    null,
  );
}

function peakSource(sources: readonly SourceMonthView[]): SourceMonthView | null {
  return sources.reduce<SourceMonthView | null>(
    (peak, one) => (one.peakMs !== null && (peak?.peakMs == null || one.peakMs > peak.peakMs) ? one : peak),
    null,
  );
}

function SourceTable({ view }: { view: CustomerHomeView }): ReactNode {
  const columns: Column<SourceMonthView>[] = [
    { key: 'name', header: 'Source', cell: (source) => source.deviceName },
    {
      key: 'share',
      header: 'Inside target',
      align: 'end',
      cell: (source) => (source.attainment === null ? '–' : percentText(source.attainment)),
    },
    { key: 'rpo', header: 'Target', align: 'end', cell: (source) => formatDuration(source.rpoMs) },
    {
      key: 'backups',
      header: 'Backups',
      align: 'end',
      cell: (source) => formatCount(source.restorePoints),
    },
    {
      key: 'missed',
      header: 'Missed',
      align: 'end',
      cell: (source) => `${formatCount(source.missed + source.failed)} of ${formatCount(source.expected)}`,
    },
    {
      key: 'drills',
      header: 'Drills passed',
      align: 'end',
      cell: (source) =>
        `${formatCount(source.drillsPassed)} of ${formatCount(source.drillsPassed + source.drillsFailed)}`,
    },
  ];
  return (
    <DataTable
      label="Sources in this month"
      columns={columns}
      rows={view.sources}
      rowKey={(source) => source.sourceId}
      href={(source) => `/customers/${view.customer.id}/sla/rows?month=${view.month}&source=${source.sourceId}`}
    />
  );
}
