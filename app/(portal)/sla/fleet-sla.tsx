import { IconCalendarStats } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { formatCount, formatCountOf, formatDay, formatDuration } from '../../../core/domain/format.ts';
import { percentText } from '../../../core/domain/sla/percent-text.ts';
import {
  CUSTOMERS_A_PAGE,
  type FleetSlaLine,
  type FleetSlaList,
  type FleetSlaView,
} from '../../../server/sla/view-fleet-sla.ts';
import { type Column, DataTable } from '../../_ui/data-table.tsx';
import { EmptyState } from '../../_ui/empty-state.tsx';
import { HistoryBar } from '../../_ui/history-bar.tsx';
import { MetricRow, MetricTile } from '../../_ui/metric-tile.tsx';
import { MonthPicker } from '../../_ui/month-picker.tsx';
import { PageHeader } from '../../_ui/page-header.tsx';
import { PageLinks } from '../../_ui/page-links.tsx';
import { Panel } from '../../_ui/panel.tsx';
import { ServiceTiles } from '../../_ui/service-tiles.tsx';
import { fleetSlaSentence } from '../../_ui/fleet-sla-words.ts';

/** Every customer's month, the one in most trouble first. */
export function FleetSla({
  view,
  page,
  only,
}: {
  view: FleetSlaView;
  page: number;
  only: FleetSlaList | null;
}): ReactNode {
  const { sums, total, month } = view;
  const listed = (wanted: FleetSlaList): string => `/sla?${new URLSearchParams({ month, only: wanted })}#customers`;
  return (
    <>
      <PageHeader
        eyebrow="Service level"
        sentence={fleetSlaSentence(view)}
        support="Each customer’s month by its own clock and its own contract; the worst first, for a mean would hide it."
      />
      <MonthPicker path="/sla" months={view.months} month={month} />
      {total === 0 ? (
        <Panel>
          <EmptyState icon={<IconCalendarStats size={24} />} title="Nothing was measured in this month">
            The figures of a customer begin with the first backup of a device.
          </EmptyState>
        </Panel>
      ) : (
        <div className="hf-stack">
          <MetricRow>
            <MetricTile
              name="Customers below target"
              value={`${formatCount(sums.customersBelow)} of ${formatCount(total)}`}
              note="with at least one source below"
              href={listed('below')}
              {...(sums.customersBelow > 0 ? { tone: 'warn' as const } : {})}
            />
            <MetricTile
              name="Sources below target"
              value={`${formatCount(sums.belowTarget)} of ${formatCount(sums.sources)}`}
              note="outside longer than their tier allows"
              href={listed('below')}
            />
            <MetricTile
              name="Credits"
              value={formatCount(sums.credits)}
              note="customers to whom something is owed"
              href={listed('credit')}
            />
            <MetricTile
              name="Missed or failed"
              value={formatCount(view.days.reduce((sum, { bad }) => sum + bad, 0))}
              note={`of ${formatCountOf(
                view.days.reduce((sum, { expected }) => sum + expected, 0),
                'expected backup',
              )}`}
              href="#days"
            />
          </MetricRow>
          <Panel title="What we did ourselves" note="measured a few times a day, over all customers">
            <MetricRow>
              <ServiceTiles service={view.service} />
            </MetricRow>
            {view.serviceLines.length > 0 && <ServiceTable lines={view.serviceLines} month={month} />}
          </Panel>
          <Panel
            id="customers"
            title={LIST_WORDS[only ?? 'all']}
            note={`n = ${formatCount(view.listed)}; their last 28 days are those until today`}
            actions={only === null ? undefined : <Link href={`/sla?month=${month}#customers`}>Every customer</Link>}
            isFlush
          >
            <DataTable
              label="Customers in this month, the worst first"
              columns={COLUMNS}
              rows={view.customers}
              rowKey={({ customerId }) => customerId}
              href={({ customerId }) => `/customers/${customerId}/sla?month=${month}`}
            />
          </Panel>
          <PageLinks
            path="/sla"
            query={{ month, only: only ?? '' }}
            parameter="page"
            page={page}
            rows={CUSTOMERS_A_PAGE}
            total={view.listed}
            unit="customer"
          />
          <Panel id="days" title="Day by day" note="all customers together, each by its own clock" isFlush>
            <DataTable
              label="Days of the month over all customers"
              columns={DAYS}
              rows={[...view.days].reverse()}
              rowKey={({ day }) => day}
            />
          </Panel>
        </div>
      )}
    </>
  );
}

const LIST_WORDS: Readonly<Record<FleetSlaList | 'all', string>> = {
  all: 'Customers',
  below: 'Customers with sources below target',
  credit: 'Customers to whom something is owed',
};

/** The customers that the figures come from, each with its breaches and tests one by one. */
function ServiceTable({ lines, month }: { lines: FleetSlaView['serviceLines']; month: string }): ReactNode {
  return (
    <DataTable
      label="Customers of whom somebody was not told, or the light was wrong"
      columns={[
        { key: 'name', header: 'Customer', cell: ({ name }) => name },
        {
          key: 'silent',
          header: 'Nobody was told for',
          align: 'end',
          cell: ({ silentMs }) => (silentMs === 0 ? 'none' : formatDuration(silentMs)),
        },
        {
          key: 'undetected',
          header: 'Breaches without an alert',
          align: 'end',
          cell: ({ undetected, breaches }) => `${formatCount(undetected)} of ${formatCount(breaches)}`,
        },
        {
          key: 'green',
          header: 'Wrongly green',
          align: 'end',
          cell: ({ falseGreen }) => `${formatCount(falseGreen.met)} of ${formatCount(falseGreen.of)}`,
        },
      ]}
      rows={lines}
      rowKey={({ customerId }) => customerId}
      href={({ customerId }) => `/customers/${customerId}/sla/service?month=${month}`}
    />
  );
}

const DAYS: Column<FleetSlaView['days'][number]>[] = [
  { key: 'day', header: 'Day', cell: ({ day }) => formatDay(Date.parse(`${day}T12:00:00Z`), 'UTC') },
  {
    key: 'share',
    header: 'Time within the target',
    align: 'end',
    cell: ({ share }) => (share === null ? 'not measured' : percentText(share, 2)),
  },
  {
    key: 'bad',
    header: 'Missed or failed',
    align: 'end',
    cell: ({ bad, expected }) => `${formatCount(bad)} of ${formatCount(expected)}`,
  },
];

const COLUMNS: Column<FleetSlaLine>[] = [
  { key: 'name', header: 'Customer', cell: ({ name }) => name },
  { key: 'history', header: 'Last 28 days', cell: ({ history }) => <HistoryBar days={history} /> },
  {
    key: 'attainment',
    header: 'Within the target',
    align: 'end',
    cell: ({ attainment }) => (attainment === null ? '–' : percentText(attainment, 2)),
  },
  {
    key: 'worst',
    header: 'Worst source',
    isWideOnly: true,
    align: 'end',
    cell: ({ worstShare }) => (worstShare === null ? '–' : percentText(worstShare, 2)),
  },
  {
    key: 'below',
    header: 'Below target',
    align: 'end',
    cell: ({ belowTarget, sources }) => `${formatCount(belowTarget)} of ${formatCount(sources)}`,
  },
  {
    key: 'peak',
    header: 'Oldest data',
    align: 'end',
    cell: ({ peakMs }) => (peakMs === null ? '–' : formatDuration(peakMs)),
  },
  {
    key: 'drills',
    header: 'Tested',
    align: 'end',
    cell: ({ drilled }) => `${formatCount(drilled.met)} of ${formatCount(drilled.of)}`,
  },
  {
    key: 'readiness',
    header: 'Ready, of 100',
    align: 'end',
    cell: ({ readiness }) => (readiness === null ? '–' : readiness),
  },
  {
    key: 'contract',
    header: 'Contract',
    cell: (line) => `${contractWord(line)}${line.isFrozen ? ', closed' : ''}`,
  },
];

/** A contract of which nothing was measured, or whose target was missed, was not kept, whatever is owed. */
function contractWord({ hasContract, credit, attainment, belowTarget }: FleetSlaLine): string {
  if (!hasContract) return 'none';
  if (credit > 0) return `credit ${credit} %`;
  if (attainment === null) return 'not measured';
  return belowTarget > 0 ? 'missed, no credit' : 'kept';
}
