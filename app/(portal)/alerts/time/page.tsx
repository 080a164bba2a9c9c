import { IconClockCheck } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { HANDLING_MINUTES, TEAM_TIME } from '../../../../core/domain/alerts/team-time.ts';
import { formatCount, formatCountOf } from '../../../../core/domain/format.ts';
import {
  type CustomerTimeView,
  type TeamTimeView,
  viewCustomerTime,
  viewTeamTime,
} from '../../../../server/alerts/view-team-time.ts';
import type { SearchProps } from '../../../_server/page-props.ts';
import { orNotFound, staffScope } from '../../../_server/session.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { MetricRow, MetricTile } from '../../../_ui/metric-tile.tsx';
import { ShortTime } from '../../../_ui/moment.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import { minutesText } from './time-words.ts';

export const metadata: Metadata = { title: 'Time that alerts cost' };

const query = z.object({ customer: z.uuid().optional().catch(undefined) });

/** What alerts cost people: by customer, and the items of one. */
export default async function TeamTimePage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const { customer } = query.parse(await searchParams);
  return customer === undefined ? (
    <AllCustomers view={await viewTeamTime(services, scope)} />
  ) : (
    <OneCustomer view={await orNotFound(viewCustomerTime(services, scope, customer))} />
  );
}

const HOW = `Each item is ${TEAM_TIME.lookMinutes} min to read; one that somebody touched counts from then until it was over, at most as long as its kind takes. What opens at a customer for one reason within an hour is one item.`;

function AllCustomers({ view: { time, days } }: { view: TeamTimeView }): ReactNode {
  const mean = time.minutesPerCustomerDay;
  const [dearest] = time.customers;
  return (
    <>
      <PageHeader
        crumbs={[
          { label: 'Alerts', href: '/alerts' },
          { label: 'Rules', href: '/alerts/rules' },
        ]}
        eyebrow="Time that alerts cost"
        sentence={
          mean === null
            ? 'No customer has a device yet.'
            : `Alerts cost ${minutesText(mean)} a customer and day, of ${TEAM_TIME.budgetMinutes} that the team has.`
        }
        support={HOW}
      />
      {mean !== null && (
        <MetricRow>
          <MetricTile
            name="A customer and day"
            value={minutesText(mean)}
            note={`mean of ${formatCountOf(time.customers.length, 'customer')} over ${formatCountOf(days, 'day')}; budget ${TEAM_TIME.budgetMinutes} min`}
            share={mean / TEAM_TIME.budgetMinutes}
            tone={time.isAbove ? 'risk' : 'good'}
          />
          <MetricTile
            name="The dearest customer"
            value={minutesText(dearest!.minutesPerDay)}
            note={`a day, ${dearest!.name}`}
            href={`/alerts/time?customer=${dearest!.customerId}`}
            {...(dearest!.isAbove ? { tone: 'warn' as const } : {})}
          />
          <MetricTile
            name="Above the budget"
            value={formatCount(time.customersAbove)}
            note={`of ${formatCountOf(time.customers.length, 'customer')}`}
            {...(time.customersAbove > 0 ? { tone: 'warn' as const } : {})}
          />
          <MetricTile
            name="Items"
            value={formatCount(time.items)}
            note={`${formatCount(time.touched)} of them touched by somebody`}
          />
        </MetricRow>
      )}
      <Panel isFlush title="Customers" note={`the last ${formatCountOf(days, 'day')}, the dearest first`}>
        <DataTable
          label="What alerts cost, by customer"
          columns={CUSTOMERS}
          rows={time.customers}
          rowKey={({ customerId }) => customerId}
          href={({ customerId }) => `/alerts/time?customer=${customerId}`}
        />
      </Panel>
    </>
  );
}

const ABOVE = {
  word: 'Above the budget',
  tone: 'risk',
  shape: 'clock',
  meaning: `More than ${TEAM_TIME.budgetMinutes} minutes a day.`,
} as const;

const CUSTOMERS: Column<TeamTimeView['time']['customers'][number]>[] = [
  { key: 'customer', header: 'Customer', cell: ({ name }) => name },
  {
    key: 'day',
    header: 'Minutes a day',
    align: 'end',
    cell: ({ minutesPerDay, isAbove }) => (
      <>
        {minutesText(minutesPerDay)} {isAbove && <StatusBadge state={ABOVE} size="sm" />}
      </>
    ),
  },
  { key: 'sum', header: 'Together', align: 'end', cell: ({ minutes }) => minutesText(minutes) },
  { key: 'items', header: 'Items', align: 'end', cell: ({ items }) => formatCount(items) },
  { key: 'touched', header: 'Touched', align: 'end', cell: ({ touched }) => formatCount(touched) },
];

function OneCustomer({ view: { customer, items, days } }: { view: CustomerTimeView }): ReactNode {
  const left = customer.items - items.length;
  return (
    <>
      <PageHeader
        crumbs={[
          { label: 'Alerts', href: '/alerts' },
          { label: 'Rules', href: '/alerts/rules' },
          { label: 'Time that alerts cost', href: '/alerts/time' },
        ]}
        eyebrow={customer.name}
        {...(customer.isAbove ? { badge: <StatusBadge state={ABOVE} size="lg" /> } : {})}
        sentence={`Its alerts cost ${minutesText(customer.minutesPerDay)} a day: ${formatCountOf(customer.items, 'item')} in ${formatCountOf(days, 'day')}, ${minutesText(customer.minutes)} together.`}
        support={HOW}
      />
      <Panel
        isFlush
        title="Items"
        note={left > 0 ? `the newest ${formatCount(items.length)} of ${formatCount(customer.items)}` : undefined}
      >
        {items.length === 0 ? (
          <EmptyState icon={<IconClockCheck size={24} />} title="Nothing called anybody">
            No alert of this customer opened in this time.
          </EmptyState>
        ) : (
          <DataTable
            label="Items that cost time, the newest first"
            columns={itemColumns(customer.timeZone)}
            rows={items}
            rowKey={({ alertIds }) => alertIds[0]!}
          />
        )}
      </Panel>
    </>
  );
}

function itemColumns(timeZone: string): Column<CustomerTimeView['items'][number]>[] {
  const clock = { nowMs: 0, timeZone };
  return [
    {
      key: 'what',
      header: 'What',
      cell: ({ title, alertIds, kind }) => (
        <div>
          <Link href={`/alerts/${alertIds[0]}`} prefetch={false}>
            {title}
          </Link>
          {alertIds.length > 1 && (
            <div className="hf-quiet">
              and{' '}
              <Link href={`/alerts?${new URLSearchParams({ kind })}`} prefetch={false}>
                {formatCount(alertIds.length - 1)} more like it
              </Link>
            </div>
          )}
        </div>
      ),
    },
    { key: 'began', header: 'Began', cell: ({ openedMs }) => <ShortTime atMs={openedMs} clock={clock} /> },
    {
      key: 'touched',
      header: 'First touched',
      cell: ({ touchedMs }) =>
        touchedMs === null ? <span className="hf-quiet">by nobody</span> : <ShortTime atMs={touchedMs} clock={clock} />,
    },
    {
      key: 'ended',
      header: 'Over',
      cell: ({ endedMs, touchedMs }) =>
        endedMs !== null ? (
          <ShortTime atMs={endedMs} clock={clock} />
        ) : (
          <span className="hf-quiet">{touchedMs === null ? 'not counted' : 'it stands'}</span>
        ),
    },
    {
      key: 'minutes',
      header: 'Costs',
      align: 'end',
      cell: ({ minutes, kind, touchedMs }) => (
        <div>
          {minutesText(minutes)}
          <div className="hf-quiet">
            {touchedMs === null ? 'a look' : `at most ${HANDLING_MINUTES[kind]} min and a look`}
          </div>
        </div>
      ),
    },
  ];
}
