import { IconBellOff } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { ALERT_KINDS, KIND_WORDS } from '../../../../core/domain/alerts/kinds.ts';
import { ALERT_ROWS, viewAlerts } from '../../../../server/alerts/list-alerts.ts';
import { ALERT_LISTS, type AlertListState, type AlertRow, type AlertState } from '../../../../server/alerts/view.ts';
import type { SearchProps } from '../../../_server/page-props.ts';
import { pageScope } from '../../../_server/session.ts';
import { ALERT_STATE_WORDS, resolutionWords, SEVERITY_WORDS } from '../../../_ui/alert-words.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { formatCountOf, formatShort } from '../../../../core/domain/format.ts';
import { FilterBar } from '../../../_ui/filter-bar.client.tsx';
import { LiveRefresh } from '../../../_ui/live-refresh.client.tsx';
import { Moment } from '../../../_ui/moment.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { PageLinks } from '../../../_ui/page-links.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import { TabLinks } from '../../../_ui/tab-links.tsx';

export const metadata: Metadata = { title: 'Alerts' };

const filterSchema = z.object({
  state: z.enum(ALERT_LISTS).catch('open'),
  text: z.string().max(100).catch(''),
  kind: z.enum(ALERT_KINDS).nullable().catch(null),
  rule: z
    .union([z.uuid(), z.literal('built_in')])
    .nullable()
    .catch(null),
  since: z.iso.datetime().nullable().catch(null),
  page: z.coerce.number().int().min(1).max(10_000).catch(1),
});

export default async function AlertsPage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const { page, since, ...filter } = filterSchema.parse(await searchParams);
  const sinceMs = since === null ? null : Date.parse(since);
  const view = await viewAlerts(services, scope, { ...filter, sinceMs }, page);
  const query = { text: filter.text, kind: filter.kind ?? '', rule: filter.rule ?? '', since: since ?? '' };
  const href = (state: AlertListState): string => {
    const set = Object.entries({ ...query, state }).filter(([, value]) => value !== '');
    return `/alerts?${new URLSearchParams(set)}`;
  };
  return (
    <>
      <LiveRefresh isActive={false} />
      <PageHeader
        eyebrow="Alerts"
        sentence={sentenceOf(view.counts)}
        support="An alert stands as long as its cause does, and closes by itself when that is gone."
        {...(isStaff ? { actions: <Link href="/alerts/rules">Rules</Link> } : {})}
      />
      <TabLinks
        label="State"
        current={filter.state}
        tabs={ALERT_LISTS.map((state) => ({
          key: state,
          label: state === 'any' ? 'All' : ALERT_STATE_WORDS[state].word,
          href: href(state),
          count: view.counts[state],
        }))}
      />
      <FilterBar
        label="Filter alerts"
        textLabel="Device, customer or words"
        filter={filter}
        choices={[
          {
            key: 'kind',
            label: 'Kind',
            all: 'Every kind',
            options: ALERT_KINDS.map((kind) => ({ value: kind, label: KIND_WORDS[kind].name })),
            isLong: true,
          },
        ]}
      />
      {(sinceMs !== null || filter.rule !== null) && (
        <p className="hf-quiet" style={{ margin: '0 0 12px' }}>
          {filter.rule === null ? 'Alerts' : 'Alerts of one rule'}
          {sinceMs === null ? '' : `, opened since ${formatShort(sinceMs, 'UTC')} UTC`}.{' '}
          <Link href={`/alerts?state=${filter.state}`}>Show every alert</Link>
        </p>
      )}
      <Panel isFlush>
        {view.rows.length === 0 ? (
          <EmptyState icon={<IconBellOff size={24} />} title="No alert here">
            {filter.text === '' && filter.kind === null && filter.rule === null && since === null
              ? 'What needs somebody appears here by itself.'
              : 'None in this state matches the filter.'}
          </EmptyState>
        ) : (
          <DataTable
            label="Alerts, the newest first"
            columns={columnsOf(view.nowMs, filter.state)}
            rows={view.rows}
            rowKey={({ id }) => id}
            href={({ id }) => `/alerts/${id}`}
          />
        )}
        <PageLinks
          path="/alerts"
          query={{ ...query, state: filter.state }}
          parameter="page"
          page={page}
          rows={ALERT_ROWS}
          total={view.total}
          unit="alert"
        />
      </Panel>
    </>
  );
}

function sentenceOf(counts: Readonly<Record<AlertState, number>>): string {
  const standing = counts.open + counts.acknowledged + counts.snoozed;
  if (standing === 0) return 'No alert stands.';
  if (counts.open === 0)
    return `${formatCountOf(standing, 'alert')} ${standing === 1 ? 'stands' : 'stand'}, each seen by somebody.`;
  return `${formatCountOf(counts.open, 'alert')} ${counts.open === 1 ? 'waits' : 'wait'} for somebody to look.`;
}

function columnsOf(nowMs: number, state: AlertListState): readonly Column<AlertRow>[] {
  const clock = (row: AlertRow) => ({ nowMs, timeZone: row.timeZone });
  return [
    { key: 'title', header: 'Alert', cell: (row) => row.title },
    {
      key: 'severity',
      header: 'Urgency',
      cell: (row) => <StatusBadge state={SEVERITY_WORDS[row.severity]} size="sm" />,
    },
    { key: 'device', header: 'Concerns', cell: (row) => row.deviceName ?? row.customerName },
    { key: 'customer', header: 'Customer', cell: (row) => row.customerName, isWideOnly: true },
    { key: 'opened', header: 'Began', cell: (row) => <Moment atMs={row.openedMs} clock={clock(row)} /> },
    ...(state === 'any'
      ? [{ key: 'state', header: 'State', cell: (row: AlertRow) => ALERT_STATE_WORDS[row.state].word }]
      : []),
    state === 'resolved'
      ? {
          key: 'ended',
          header: 'Ended',
          cell: (row) => (
            <span title={resolutionWords(row) ?? undefined}>
              <Moment atMs={row.resolvedMs} clock={clock(row)} />
            </span>
          ),
        }
      : { key: 'owner', header: 'Owner', cell: (row) => row.ownerName ?? <span className="hf-quiet">nobody</span> },
  ];
}
