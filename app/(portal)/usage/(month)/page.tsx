import { IconChartBar } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { daysOfMonth, lastMonths, monthBefore } from '../../../../core/domain/calendar.ts';
import { formatBytes, formatCount, formatCountOf, formatDay } from '../../../../core/domain/format.ts';
import { monthWords } from '../../../../core/domain/sla/sla-words.ts';
import type { UsageDay } from '../../../../core/domain/usage.ts';
import { type CustomerUsage, listUsage, usageTrend } from '../../../../server/usage/list-usage.ts';
import { viewForecast } from '../../../../server/usage/view-forecast.ts';
import { monthQuery } from '../../../_server/month-query.ts';
import type { SearchProps } from '../../../_server/page-props.ts';
import { pageScope } from '../../../_server/session.ts';
import { ChartTable } from '../../../_ui/chart.tsx';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { MetricRow, MetricTile } from '../../../_ui/metric-tile.tsx';
import { MonthPicker } from '../../../_ui/month-picker.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { UsageChart } from '../usage-chart.client.tsx';
import classes from '../usage.module.css';
import { changeWords, forecastWords, sumUsage } from '../usage-words.ts';

export const metadata: Metadata = { title: 'Usage' };

const TREND_MONTHS = 3;

interface UsageLine {
  readonly now: CustomerUsage;
  readonly before: CustomerUsage | null;
}

const customerQuery = z.object({ customer: z.uuid().optional().catch(undefined) });

/** What is billed: of every customer for staff, of itself for a customer. */
export default async function UsagePage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const nowMs = services.clock.nowMs();
  const months = lastMonths(nowMs, 'UTC', 12);
  const asked = await searchParams;
  const month = monthQuery.parse(asked).month ?? months[0]!;
  // A foreign or invented one has no rows, like a customer that was not measured.
  const { customer: customerId } = customerQuery.parse(asked);
  const filter = customerId === undefined ? {} : { customerId };
  const query: Readonly<Record<string, string>> = customerId === undefined ? {} : { customer: customerId };
  const before = monthBefore(month);
  const rows = await listUsage(services, scope, month, filter);
  const earlier = await listUsage(services, scope, before, filter);
  const fromDay = `${monthBefore(month, TREND_MONTHS - 1)}-01`;
  const lastDay = daysOfMonth(month).at(-1)!;
  const trend = (await usageTrend(services, scope, { fromDay, ...filter })).filter(({ day }) => day <= lastDay);
  const byCustomer = new Map(earlier.map((row) => [row.customerId, row]));
  const lines = rows.map((now): UsageLine => ({ now, before: byCustomer.get(now.customerId) ?? null }));
  const one = customerId === undefined ? undefined : rows[0]?.customer;
  const [sum, sumBefore] = [sumUsage(rows), earlier.length === 0 ? null : sumUsage(earlier)];
  const single = customerId !== undefined || !isStaff ? rows[0] : undefined;
  // The month under way alone has a future.
  const forecast =
    single === undefined || single.frozenMs !== null
      ? null
      : forecastWords(await viewForecast(services, scope, single.customerId));
  // What a sum is made of: the customers; of one, its days.
  const opens = single === undefined ? '#customers' : '#days';
  // A provider without a device, or whose first one was enrolled a minute ago, uses nothing that a bill could name.
  const isEmpty = sum.devices === 0 && sum.storedBytes === 0n && sum.protectedBytes === 0n;
  return (
    <>
      <PageHeader
        crumbs={
          isStaff
            ? one === undefined
              ? []
              : [{ label: 'Usage', href: `/usage?month=${month}` }]
            : [{ label: 'Home', href: '/home' }]
        }
        eyebrow={one ?? 'Usage'}
        sentence={
          isEmpty
            ? `No measurement of ${monthWords(month)} found anything in use.`
            : `${formatBytes(Number(sum.storedBytes))} stored for ${formatCountOf(sum.devices, 'device')} in ${monthWords(month)}.`
        }
        support="Measured four times a day; the highest value of the month counts. A closed month is written down once and nobody can change it."
        actions={
          isEmpty ? undefined : (
            <>
              {isStaff && (
                <Link href={`/usage/preview?${new URLSearchParams(query)}`} prefetch={false}>
                  If the month closed now
                </Link>
              )}
              <a href={`/api/usage?${new URLSearchParams({ month, ...query, format: 'csv' })}`}>CSV</a>
              <a href={`/api/usage?${new URLSearchParams({ month, ...query, format: 'json' })}`}>JSON</a>
            </>
          )
        }
      />
      <MonthPicker path="/usage" months={months} month={month} query={query} />
      {isEmpty ? (
        <Panel>
          <EmptyState icon={<IconChartBar size={24} />} title="Nothing in use was measured in this month">
            The first measurement is made within some minutes of a device’s first backup.
          </EmptyState>
        </Panel>
      ) : (
        <div className="hf-stack">
          <MetricRow>
            <MetricTile
              name="Protected"
              value={formatBytes(Number(sum.protectedBytes))}
              note={highestWords(
                single?.protectedOn,
                changeWords(Number(sum.protectedBytes), sumBefore === null ? null : Number(sumBefore.protectedBytes)),
              )}
              href={opens}
            />
            <MetricTile
              name="Stored"
              value={formatBytes(Number(sum.storedBytes))}
              note={highestWords(
                single?.storedOn,
                changeWords(Number(sum.storedBytes), sumBefore === null ? null : Number(sumBefore.storedBytes)),
              )}
              href={opens}
            />
            <MetricTile
              name="Devices"
              value={formatCount(sum.devices)}
              note={highestWords(single?.devicesOn, changeWords(sum.devices, sumBefore?.devices ?? null))}
              href={opens}
            />
            <MetricTile
              name="Restore tests"
              value={formatCount(sum.drills)}
              note={changeWords(sum.drills, sumBefore?.drills ?? null)}
              href={opens}
            />
            {forecast !== null && (
              <MetricTile
                name={forecast.name}
                value={forecast.value}
                note={forecast.note}
                href={opens}
                {...(forecast.isTight ? { tone: 'warn' as const } : {})}
              />
            )}
          </MetricRow>
          <Panel title="The last three months" note={isStaff ? (one ?? 'all customers together') : undefined}>
            <div className={classes.legend} aria-hidden="true">
              <span>protected: the newest usable restore points</span>
              <span>stored: all versions, compressed and without repetitions</span>
            </div>
            <UsageChart points={trend.map(toPoint)} />
            <ChartTable>
              <DataTable label="Usage by day" columns={DAYS} rows={[...trend].reverse()} rowKey={({ day }) => day} />
            </ChartTable>
          </Panel>
          {single !== undefined && (
            <Panel
              id="days"
              title={`${monthWords(month)}, day by day`}
              note={`${formatCountOf(single.daysMeasured, 'day')} measured; ${single.frozenMs === null ? 'the highest value so far counts' : 'closed'}`}
              isFlush
            >
              <DataTable
                label={`Usage of each day of ${monthWords(month)}`}
                columns={DAYS}
                rows={trend.filter(({ day }) => day.startsWith(month)).reverse()}
                rowKey={({ day }) => day}
              />
            </Panel>
          )}
          {isStaff && (
            <Panel id="customers" title="Customers" note={`${monthWords(month)} against ${monthWords(before)}`} isFlush>
              <DataTable
                label={`Usage of customers in ${monthWords(month)}`}
                columns={CUSTOMERS}
                rows={lines}
                rowKey={({ now }) => now.customerId}
                href={({ now }) => `/usage?month=${month}&customer=${now.customerId}`}
              />
            </Panel>
          )}
        </div>
      )}
    </>
  );
}

/** "highest on 12 November; 3 % more than …". */
function highestWords(day: string | null | undefined, change: string): string {
  return day == null ? change : `highest on ${formatDay(Date.parse(`${day}T12:00:00Z`), 'UTC')}; ${change}`;
}

const toPoint = ({ day, protectedBytes, storedBytes }: UsageDay) => ({
  ...{ day, protectedBytes: Number(protectedBytes), storedBytes: Number(storedBytes) },
});

const DAYS: Column<UsageDay>[] = [
  { key: 'day', header: 'Day', cell: ({ day }) => day },
  {
    key: 'protected',
    header: 'Protected',
    align: 'end',
    cell: ({ protectedBytes }) => formatBytes(Number(protectedBytes)),
  },
  { key: 'stored', header: 'Stored', align: 'end', cell: ({ storedBytes }) => formatBytes(Number(storedBytes)) },
  { key: 'devices', header: 'Devices', align: 'end', cell: ({ devices }) => formatCount(devices) },
  { key: 'drills', header: 'Restore tests', align: 'end', cell: ({ drills }) => formatCount(drills) },
];

/** With the change since the month before; of a new customer its name says that it is new. */
function figure(text: string, now: number, before: number | undefined): ReactNode {
  return (
    <>
      {text}
      {before !== undefined && <div className="hf-quiet">{changeWords(now, before)}</div>}
    </>
  );
}

const bytesColumn = (
  key: 'protectedBytes' | 'storedBytes' | 'storedBytesMean',
  header: string,
  isWideOnly = false,
): Column<UsageLine> => ({
  key,
  header,
  align: 'end',
  isWideOnly,
  cell: ({ now, before }) =>
    figure(formatBytes(Number(now[key])), Number(now[key]), before === null ? undefined : Number(before[key])),
});

const CUSTOMERS: Column<UsageLine>[] = [
  {
    key: 'customer',
    header: 'Customer',
    cell: ({ now, before }) => (
      <>
        {now.customer}
        {before === null && <div className="hf-quiet">new this month</div>}
      </>
    ),
  },
  bytesColumn('protectedBytes', 'Protected'),
  bytesColumn('storedBytes', 'Stored'),
  bytesColumn('storedBytesMean', 'Stored, mean', true),
  {
    key: 'devices',
    header: 'Devices',
    align: 'end',
    cell: ({ now, before }) => figure(formatCount(now.devices), now.devices, before?.devices),
  },
  {
    key: 'drills',
    header: 'Restore tests',
    align: 'end',
    cell: ({ now, before }) => figure(formatCount(now.drills), now.drills, before?.drills),
  },
  {
    key: 'closed',
    header: 'Month',
    cell: ({ now }) => (now.frozenMs === null ? `open, ${formatCountOf(now.daysMeasured, 'day')}` : 'closed'),
  },
];
