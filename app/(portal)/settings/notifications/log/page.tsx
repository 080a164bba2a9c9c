import { IconMailbox } from '@tabler/icons-react';
import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { LOG_ROWS, viewDeliveryLog } from '../../../../../server/delivery/queries.ts';
import type { SearchProps } from '../../../../_server/page-props.ts';
import { pageScope } from '../../../../_server/session.ts';
import { EmptyState } from '../../../../_ui/empty-state.tsx';
import { formatCountOf } from '../../../../../core/domain/format.ts';
import { FilterBar } from '../../../../_ui/filter-bar.client.tsx';
import { LiveRefresh } from '../../../../_ui/live-refresh.client.tsx';
import { PageHeader } from '../../../../_ui/page-header.tsx';
import { PageLinks } from '../../../../_ui/page-links.tsx';
import { Panel } from '../../../../_ui/panel.tsx';
import { DeliveryTable } from '../delivery-table.tsx';
import { DELIVERY_STATES } from '../notification-words.ts';
import { NotificationTabs } from '../notification-tabs.tsx';

export const metadata: Metadata = { title: 'Delivery log' };

const filterSchema = z.object({
  text: z.string().max(100).catch(''),
  channel: z.uuid().nullable().catch(null),
  state: z.enum(['waiting', 'sending', 'sent', 'failed', 'skipped']).nullable().catch(null),
  page: z.coerce.number().int().min(1).max(10_000).catch(1),
});

export default async function DeliveryLogPage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope } = await pageScope();
  const { page, ...filter } = filterSchema.parse(await searchParams);
  const { text, channel: channelId, state } = filter;
  const view = await viewDeliveryLog(services, scope, { text, channelId, state }, page);
  const clock = { nowMs: view.nowMs, timeZone: 'UTC' };
  const query = { text, channel: channelId ?? '', state: state ?? '' };
  const isFiltered = Object.values(query).some((value) => value !== '');
  return (
    <>
      <LiveRefresh isActive={view.rows.some((row) => row.state === 'waiting' || row.state === 'sending')} />
      <PageHeader
        crumbs={[{ label: 'Notifications', href: '/settings/notifications' }]}
        eyebrow="Delivery log"
        sentence={
          view.total === 0
            ? 'Nothing was sent.'
            : `${formatCountOf(view.total, 'delivery', 'deliveries')}${isFiltered ? ' match' : ' in 90 days'}.`
        }
        support="Each with its attempts and with what the other side answered, without secrets."
      />
      <NotificationTabs current="log" isOwner={scope.role === 'owner'} />
      <div className="hf-stack">
        <FilterBar
          label="Filter deliveries"
          textLabel="What it says"
          filter={filter}
          choices={[
            {
              key: 'channel',
              label: 'Channel',
              all: 'Every channel',
              options: view.channels.map(({ id, name }) => ({ value: id, label: name })),
              isLong: true,
            },
            {
              key: 'state',
              label: 'State',
              all: 'Every state',
              options: Object.entries(DELIVERY_STATES).map(([value, { word }]) => ({ value, label: word })),
            },
          ]}
        />
        <Panel isFlush>
          {view.rows.length === 0 ? (
            <EmptyState
              icon={<IconMailbox size={24} />}
              title={isFiltered ? 'Nothing matches' : 'Nothing was sent yet'}
            >
              What is told, to whom, and whether it arrived is listed here for 90 days.
            </EmptyState>
          ) : (
            <DeliveryTable rows={view.rows} clock={clock} hasChannel />
          )}
        </Panel>
        <PageLinks
          path="/settings/notifications/log"
          query={query}
          parameter="page"
          page={page}
          rows={LOG_ROWS}
          total={view.total}
          unit="row"
        />
      </div>
    </>
  );
}
