import { IconBellRinging } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { viewNotifications } from '../../../../../server/delivery/queries.ts';
import type { ChannelSummary } from '../../../../../server/delivery/view.ts';
import { pageScope } from '../../../../_server/session.ts';
import { type Column, DataTable } from '../../../../_ui/data-table.tsx';
import { EmptyState } from '../../../../_ui/empty-state.tsx';
import { formatCount } from '../../../../../core/domain/format.ts';
import { Moment } from '../../../../_ui/moment.tsx';
import { Notice } from '../../../../_ui/notice.tsx';
import { PageHeader } from '../../../../_ui/page-header.tsx';
import { Panel } from '../../../../_ui/panel.tsx';
import { StatusBadge } from '../../../../_ui/status-badge.tsx';
import { AddChannel } from '../add-channel.client.tsx';
import { NotificationTabs } from '../notification-tabs.tsx';
import { CHANNEL_STATES, KIND_NAMES, notificationsSentence, routingWords } from '../notification-words.ts';
import classes from '../notifications.module.css';

export const metadata: Metadata = { title: 'Notifications' };

export default async function NotificationsPage(): Promise<ReactNode> {
  const { services, scope } = await pageScope();
  const view = await viewNotifications(services, scope);
  const clock = { nowMs: view.nowMs, timeZone: 'UTC' };
  const names = new Map(view.customers.map(({ id, name }) => [id, name]));
  const columns: Column<ChannelSummary>[] = [
    {
      key: 'name',
      header: 'Channel',
      width: '26%',
      cell: (channel) => (
        <span className={classes.two}>
          <span className={classes.name}>{channel.name}</span>
          <span className={classes.about}>
            {[KIND_NAMES[channel.kind], channel.place, channel.customerName].filter((part) => part).join(' · ')}
          </span>
        </span>
      ),
    },
    {
      key: 'state',
      header: 'State',
      cell: (channel) => <StatusBadge state={CHANNEL_STATES[channel.state]} size="sm" />,
    },
    {
      key: 'what',
      header: 'Is told',
      width: '34%',
      cell: (channel) => (
        <span className={classes.words}>
          {channel.kind === 'dead_man' ? 'That alerts are evaluated' : routingWords(channel.routing, names)}
        </span>
      ),
    },
    {
      key: 'week',
      header: 'In 7 days',
      align: 'end',
      cell: (channel) => (
        <span className={classes.two}>
          <span>{formatCount(channel.sentWeek)} sent</span>
          {channel.failedWeek > 0 && <span className={classes.about}>{formatCount(channel.failedWeek)} given up</span>}
        </span>
      ),
    },
    {
      key: 'last',
      header: 'Last arrived',
      align: 'end',
      cell: (channel) => <Moment atMs={channel.lastSentMs} clock={clock} empty="–" />,
    },
  ];
  const needsMail = !view.canMail && view.channels.some(({ kind }) => kind === 'email');
  return (
    <>
      <PageHeader
        eyebrow="Notifications"
        sentence={notificationsSentence(view)}
        support="What needs a person is told here; what was sent, and what the other side answered, stands in the delivery log."
        actions={view.canChange ? <AddChannel isCustomer={view.isCustomer} customers={view.customers} /> : undefined}
      />
      <NotificationTabs current="channels" isOwner={scope.role === 'owner'} />
      <div className="hf-stack">
        {needsMail && (
          <Notice
            tone="warn"
            title="No mail server is set up"
            actions={scope.role === 'owner' ? <Link href="/settings/notifications/mail">Enter one</Link> : undefined}
          >
            Mails wait for none: each ends with this reason, and can be sent again when there is one.
          </Notice>
        )}
        <Panel isFlush>
          {view.channels.length === 0 ? (
            <EmptyState icon={<IconBellRinging size={24} />} title="Here stand the ways on which people are told">
              Mail, chat, on-call duty, tickets of a service desk, or a webhook of your own. Each can be tried with one
              button.
            </EmptyState>
          ) : (
            <DataTable
              label="Channels"
              columns={columns}
              rows={view.channels}
              rowKey={(channel) => channel.id}
              href={(channel) => `/settings/notifications/${channel.id}`}
            />
          )}
        </Panel>
      </div>
    </>
  );
}
