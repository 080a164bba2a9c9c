import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { lastMonths } from '../../../../core/domain/calendar.ts';
import { formatCount, formatCountOf, formatDuration } from '../../../../core/domain/format.ts';
import { percentText } from '../../../../core/domain/sla/percent-text.ts';
import { monthWords } from '../../../../core/domain/sla/sla-words.ts';
import { executiveSummary, type SummaryLine } from '../../../../server/reports/executive-summary.ts';
import { monthQuery } from '../../../_server/month-query.ts';
import type { SearchProps } from '../../../_server/page-props.ts';
import { staffScope } from '../../../_server/session.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { summarySentence } from '../../../_ui/fleet-sla-words.ts';
import { MetricRow, MetricTile } from '../../../_ui/metric-tile.tsx';
import { MonthPicker } from '../../../_ui/month-picker.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { Panel } from '../../../_ui/panel.tsx';

export const metadata: Metadata = { title: 'All customers' };

/** All customers of a month on one page, with what changed since the month before: for whoever runs the provider. */
export default async function SummaryPage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const asked = monthQuery.parse(await searchParams);
  const months = lastMonths(services.clock.nowMs(), 'UTC', 12);
  const month = asked.month ?? months[1] ?? months[0]!;
  const summary = await executiveSummary(services, scope, month);
  const { sums, sumsBefore, customers, monthBefore } = summary;
  return (
    <>
      <PageHeader
        crumbs={[{ label: 'Reports', href: `/reports?month=${month}` }]}
        eyebrow="All customers"
        sentence={summarySentence(summary)}
        support={`${monthWords(month)} beside ${monthWords(monthBefore)}; the customer with the worst system first.`}
        actions={
          <>
            <a href={`/api/reports/summary?month=${month}&format=csv`}>CSV</a>
            <a href={`/api/reports/summary?month=${month}&format=json`}>JSON</a>
          </>
        }
      />
      <MonthPicker path="/reports/summary" months={months} month={month} />
      <div className="hf-stack">
        <MetricRow>
          <MetricTile
            name="Customers below target"
            value={`${formatCount(sums.customersBelow)} of ${formatCount(customers.length)}`}
            note={`${formatCount(sumsBefore.customersBelow)} the month before`}
            href="#customers"
            {...(sums.customersBelow > 0 ? { tone: 'warn' as const } : {})}
          />
          <MetricTile
            name="Systems below target"
            value={`${formatCount(sums.belowTarget)} of ${formatCount(sums.sources)}`}
            note={
              sumsBefore.sources === 0
                ? 'nothing was measured the month before'
                : `${formatCount(sumsBefore.belowTarget)} of ${formatCount(sumsBefore.sources)} the month before`
            }
          />
          <MetricTile
            name="Credits owed"
            value={formatCount(sums.credits)}
            note={`${formatCountOf(sumsBefore.credits, 'customer')} the month before`}
          />
          <MetricTile name="Ready to recover, lowest" {...lowestReadiness(customers)} />
        </MetricRow>
        <Panel id="customers" title="Customers" isFlush>
          <DataTable
            label={`Customers in ${monthWords(month)}, the worst first`}
            columns={COLUMNS}
            rows={customers}
            rowKey={({ customerId }) => customerId}
            href={({ customerId }) => `/customers/${customerId}/report?month=${month}`}
          />
        </Panel>
      </div>
    </>
  );
}

function lowestReadiness(customers: readonly SummaryLine[]): { value: string; note: string } {
  const measured = customers.filter(({ readiness }) => readiness !== null);
  const lowest = measured.reduce<SummaryLine | undefined>(
    (a, b) => (a === undefined || b.readiness! < a.readiness! ? b : a),
    undefined,
  );
  return lowest === undefined
    ? { value: 'Not measured', note: 'of no customer in this month' }
    : { value: `${lowest.readiness} of 100`, note: lowest.name };
}

/** "99.43 %, was 99.91 %"; of a new customer its name says that it is new. */
function withBefore(now: number | null, before: number | null | undefined, text: (value: number) => string): ReactNode {
  if (now === null) return '–';
  return (
    <>
      {text(now)}
      {before != null && (
        <div className="hf-quiet">{text(before) === text(now) ? 'as before' : `was ${text(before)}`}</div>
      )}
    </>
  );
}

const share = (value: number): string => percentText(value, 2);
const COLUMNS: Column<SummaryLine>[] = [
  {
    key: 'name',
    header: 'Customer',
    cell: ({ name, before }) => (
      <>
        {name}
        {before == null && <div className="hf-quiet">new this month</div>}
      </>
    ),
  },
  {
    key: 'ready',
    header: 'Ready, of 100',
    align: 'end',
    cell: ({ readiness, before }) => withBefore(readiness, before?.readiness, String),
  },
  {
    key: 'attainment',
    header: 'Within the target',
    align: 'end',
    cell: ({ attainment, before }) => withBefore(attainment, before?.attainment, share),
  },
  {
    key: 'worst',
    header: 'Worst system',
    align: 'end',
    cell: ({ worstShare, before }) => withBefore(worstShare, before?.worstShare, share),
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
    isWideOnly: true,
  },
  {
    key: 'tested',
    header: 'Tested in time',
    align: 'end',
    cell: ({ drilled }) => `${formatCount(drilled.met)} of ${formatCount(drilled.of)}`,
  },
  { key: 'credit', header: 'Credit', align: 'end', cell: ({ credit }) => (credit === 0 ? 'none' : `${credit} %`) },
  { key: 'month', header: 'Month', cell: ({ isFrozen }) => (isFrozen ? 'closed' : 'open'), isWideOnly: true },
];
