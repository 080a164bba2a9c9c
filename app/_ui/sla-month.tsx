import { IconCalendarStats } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { dayOf } from '../../core/domain/calendar.ts';
import { formatCount, formatDay, formatDuration, formatShort } from '../../core/domain/format.ts';
import type { SlaMonthView } from '../../server/sla/view-sla-month.ts';
import { ChartTable } from './chart.tsx';
import { CoverageTiles } from './coverage-tiles.tsx';
import { DataTable } from './data-table.tsx';
import { EmptyState } from './empty-state.tsx';
import { ExcuseActions, ExcuseDialog } from './excuse-dialogs.client.tsx';
import { ExposureChart } from './exposure-chart.client.tsx';
import { MetricRow } from './metric-tile.tsx';
import { MonthPicker } from './month-picker.tsx';
import { Notice } from './notice.tsx';
import { type Crumb, PageHeader } from './page-header.tsx';
import { Panel } from './panel.tsx';
import { figureLinks, ReadinessPanel } from './readiness-panel.tsx';
import { RestoreTiles } from './restore-tiles.tsx';
import { RecomputeButton } from './recompute-button.client.tsx';
import { ServiceTiles } from './service-tiles.tsx';
import { SlaCalendar } from './sla-calendar.tsx';
import classes from './sla-month.module.css';
import { SourceMonthTable, TierTable } from './sla-tables.tsx';
import { SlaTiles } from './sla-tiles.tsx';
import { StandingPanel } from './standing-panel.tsx';
import {
  breachWords,
  causeWords,
  figureName,
  figureValue,
  monthSentence,
  monthWords,
} from '../../core/domain/sla/sla-words.ts';

/** A customer's month against what was promised, for their own users and for staff. */
export function SlaMonth({
  view,
  path,
  crumbs,
  tierKey,
  isStaff,
}: {
  view: SlaMonthView;
  /** Whose sources are listed; null: all. */
  tierKey: string | null;
  /** Of this page, to which the months are added. */
  path: string;
  crumbs: readonly Crumb[];
  isStaff: boolean;
}): ReactNode {
  const { customer, figures, contract } = view;
  const rowsPath = `/customers/${customer.id}/sla/rows`;
  return (
    <>
      <PageHeader
        crumbs={crumbs}
        eyebrow="Service level"
        sentence={monthSentence(view)}
        support={closeWords(view)}
        actions={isStaff ? <Link href={`/customers/${customer.id}/contract`}>The contract</Link> : undefined}
      />
      <MonthPicker path={path} months={view.months} month={view.month} />
      <div className="hf-stack">
        {contract === null && (
          <Notice
            tone="calm"
            title="There is no contract"
            actions={isStaff ? <Link href={`/customers/${customer.id}/contract`}>Write one</Link> : undefined}
          >
            Until there is one, the targets are those of each device’s policy, and no credit follows from them.
          </Notice>
        )}
        {view.burning.length > 0 && (
          <Notice tone="risk" title="What may go wrong this month is being used up fast">
            {view.burning.join(', ')}: data has been too old for more of the last hours than the promise for the month
            allows at this pace. The sources are listed below, with the cause.
          </Notice>
        )}
        {figures === null || figures.sources === 0 ? (
          <Panel>
            <EmptyState icon={<IconCalendarStats size={24} />} title="Nothing was measured in this month">
              The figures begin with the first backup of a device.
            </EmptyState>
          </Panel>
        ) : (
          <Figures
            {...{ view, figures, rowsPath, isStaff, tierKey }}
            tierHref={(key) =>
              `${path}?${new URLSearchParams({ month: view.month, ...(key === null ? {} : { tier: key }) })}#sources`
            }
          />
        )}
      </div>
    </>
  );
}

function closeWords({ isOver, frozenMs, customer, month }: SlaMonthView): string {
  if (frozenMs !== null)
    return `Closed on ${formatDay(frozenMs, customer.timeZone)}: what it said then stays, and what changed since is listed below.`;
  return isOver
    ? `${monthWords(month)} is over and closes as soon as its last backups are known, a day later at the latest.`
    : 'This month is under way; its figures are computed anew every quarter of an hour.';
}

function Figures({
  view,
  figures,
  rowsPath,
  isStaff,
  tierKey,
  tierHref,
}: {
  view: SlaMonthView;
  figures: NonNullable<SlaMonthView['figures']>;
  rowsPath: string;
  isStaff: boolean;
  tierKey: string | null;
  tierHref: (tierKey: string | null) => string;
}): ReactNode {
  const rows = `${rowsPath}?month=${view.month}`;
  const links = figureLinks(view.customer.id, view.month, isStaff);
  const tier = figures.tiers.find((one) => one.tier.key === tierKey)?.tier;
  const sources = tier === undefined ? view.sources : view.sources.filter((one) => one.tierKey === tier.key);
  const strictest = Math.min(...figures.tiers.map(({ tier }) => tier.rpoMinutes * 60_000));
  const chart = view.days.map(({ day, peakMs }) => ({ day, number: Number(day.slice(8)), peakMs }));
  return (
    <>
      <SlaTiles view={view} figures={figures} rows={rows} />
      <Panel title="Promised and attained" isFlush>
        <TierTable tiers={figures.tiers} href={tierHref} />
      </Panel>
      <Panel title="Day by day" note={`in the zone ${view.customer.timeZone}`}>
        <SlaCalendar view={view} rowsPath={rowsPath} />
      </Panel>
      <Panel title="The most that could have been lost, each day">
        <ExposureChart days={chart} rpoMs={Number.isFinite(strictest) ? strictest : null} />
        <ChartTable>
          <DataTable
            label="The most that could have been lost on each day"
            columns={[
              { key: 'day', header: 'Day', cell: (day) => day.day },
              {
                key: 'peak',
                header: 'Oldest data',
                align: 'end',
                cell: ({ peakMs }) => (peakMs === null ? 'none' : formatDuration(peakMs)),
              },
              { key: 'where', header: 'Where', cell: ({ peakName }) => peakName ?? '–' },
            ]}
            rows={view.days}
            rowKey={({ day }) => day}
          />
        </ChartTable>
      </Panel>
      <Panel title="Restores that were asked for" note="from the request on; tests of restores are not among them">
        {figures.restores === null ? (
          <p>Not measured: this month was computed before restores were kept.</p>
        ) : (
          <MetricRow>
            <RestoreTiles
              figures={figures.restores}
              href={`/customers/${view.customer.id}/sla/restores?month=${view.month}`}
            />
          </MetricRow>
        )}
      </Panel>
      <Breaches view={view} rowsPath={rowsPath} />
      <Excuses view={view} isStaff={isStaff} />
      <Amendments view={view} isStaff={isStaff} />
      <Panel
        id="sources"
        title={tier === undefined ? 'Every source' : `Sources of the tier “${tier.name}”`}
        note={`n = ${formatCount(sources.length)}, the worst first`}
        actions={tier === undefined ? undefined : <Link href={tierHref(null)}>Every source</Link>}
        isFlush
      >
        <SourceMonthTable view={view} sources={sources} rowsPath={rowsPath} />
      </Panel>
      {view.standing !== null && (
        <>
          <ReadinessPanel standing={view.standing} figures={view.figures} links={links} />
          <StandingPanel standing={view.standing} timeZone={view.customer.timeZone} links={links} />
          {view.standing.held !== null && (
            <Panel title="What lies on the machines" note="measured with the above">
              <MetricRow>
                <CoverageTiles figures={view.standing.held} href={`/customers/${view.customer.id}/inventory`} />
              </MetricRow>
            </Panel>
          )}
          <Panel title="What we did ourselves" note="measured with the above">
            <MetricRow>
              <ServiceTiles
                service={view.standing.service}
                href={`/customers/${view.customer.id}/sla/service?month=${view.month}`}
              />
            </MetricRow>
          </Panel>
        </>
      )}
    </>
  );
}

/** The rows of the day that the breach was in; of a longer one those of the month. */
function breachQuery(
  { sourceId, startMs, endMs }: SlaMonthView['breaches'][number],
  { month, customer }: SlaMonthView,
): URLSearchParams {
  const day = dayOf(startMs, customer.timeZone);
  const isOneDay = day === dayOf(endMs - 1, customer.timeZone) && day.startsWith(month);
  return new URLSearchParams({ ...(isOneDay ? { day } : { month }), source: sourceId });
}

function Breaches({ view, rowsPath }: { view: SlaMonthView; rowsPath: string }): ReactNode {
  const { breaches, breachesTotal, customer } = view;
  return (
    <Panel
      title="When the data was too old"
      note={
        breachesTotal > breaches.length ? `the longest ${breaches.length} of ${formatCount(breachesTotal)}` : undefined
      }
      isFlush={breaches.length > 0}
    >
      {breaches.length === 0 ? (
        <p>Never in this month.</p>
      ) : (
        <ul className={classes.entries}>
          {breaches.map((breach) => {
            const words = breachWords(breach);
            return (
              <li key={`${breach.sourceId}/${breach.startMs}`}>
                <p className={classes.entryHead}>
                  <Link href={`${rowsPath}?${breachQuery(breach, view)}`} prefetch={false}>
                    {breach.name}
                  </Link>
                  <span className="hf-num">{formatDuration(breach.endMs - breach.startMs)}</span>
                </p>
                <p className={classes.entryText}>
                  {formatShort(breach.startMs, customer.timeZone)} to{' '}
                  {breach.isOpen ? 'now' : formatShort(breach.endMs, customer.timeZone)}. {words.cause} {words.remedy}
                </p>
              </li>
            );
          })}
        </ul>
      )}
    </Panel>
  );
}

const EXCUSE_WORDS = {
  requested: 'asked for',
  approved: 'approved',
  refused: 'refused',
  withdrawn: 'withdrawn',
} as const;

function Excuses({ view, isStaff }: { view: SlaMonthView; isStaff: boolean }): ReactNode {
  const { excuses, customer } = view;
  return (
    <Panel
      title="Time that does not count"
      isFlush={excuses.length > 0}
      actions={
        isStaff ? <ExcuseDialog customerId={customer.id} devices={view.devices} month={view.month} /> : undefined
      }
    >
      {excuses.length === 0 ? (
        <p>None was excused in this month.</p>
      ) : (
        <ul className={classes.entries}>
          {excuses.map((excuse) => (
            <li key={excuse.id}>
              <p className={classes.entryHead}>
                <span>{excuse.deviceName ?? 'Every device'}</span>
                <span>{EXCUSE_WORDS[excuse.state]}</span>
              </p>
              <p className={classes.entryText}>
                {formatShort(excuse.startMs, customer.timeZone)} to {formatShort(excuse.endMs, customer.timeZone)},{' '}
                {formatDuration(excuse.endMs - excuse.startMs)}. {excuse.reason}
              </p>
              <p className={classes.entryText}>
                Asked for by {excuse.requestedBy}
                {excuse.decidedBy === null
                  ? ', not decided yet'
                  : `, ${excuse.state === 'refused' ? 'refused' : 'approved'} by ${excuse.decidedBy}`}
                {excuse.decisionWords !== null && `: ${excuse.decisionWords}`}
                {excuse.withdrawnBy !== null && `; withdrawn by ${excuse.withdrawnBy}: ${excuse.withdrawalWords ?? ''}`}
                .
              </p>
              {isStaff && <ExcuseActions id={excuse.id} state={excuse.state} />}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Amendments({ view, isStaff }: { view: SlaMonthView; isStaff: boolean }): ReactNode {
  const { amendments, frozenMs, customer } = view;
  if (frozenMs === null) return null;
  const tiers = new Map((view.figures?.tiers ?? []).map(({ tier }) => [tier.key, tier.name]));
  return (
    <Panel
      title="What changed after the close"
      isFlush={amendments.length > 0}
      actions={isStaff ? <RecomputeButton customerId={customer.id} month={view.month} /> : undefined}
    >
      {amendments.length === 0 ? (
        <p>Nothing. The figures are those of the close.</p>
      ) : (
        <DataTable
          label="Amendments"
          columns={[
            { key: 'figure', header: 'Figure', cell: ({ figure }) => figureName(figure, tiers) },
            { key: 'before', header: 'Before', align: 'end', cell: (one) => figureValue(one.figure, one.before) },
            { key: 'after', header: 'After', align: 'end', cell: (one) => figureValue(one.figure, one.after) },
            { key: 'cause', header: 'Because', cell: ({ causes }) => causeWords(causes) },
            { key: 'at', header: 'When', cell: ({ atMs }) => formatShort(atMs, customer.timeZone) },
          ]}
          rows={amendments}
          rowKey={({ id }) => id}
        />
      )}
    </Panel>
  );
}
