import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import type { ReactNode } from 'react';
import { isUuid } from '../../../../../core/base/ids.ts';
import { CHANNEL_MANNERS } from '../../../../../core/domain/delivery/channel-kinds.ts';
import { viewChannel, viewNotifications } from '../../../../../server/delivery/queries.ts';
import type { ChannelView } from '../../../../../server/delivery/view.ts';
import type { IdProps } from '../../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../../_server/session.ts';
import { EmptyState } from '../../../../_ui/empty-state.tsx';
import { LiveRefresh } from '../../../../_ui/live-refresh.client.tsx';
import { Moment } from '../../../../_ui/moment.tsx';
import { Notice } from '../../../../_ui/notice.tsx';
import { PageHeader } from '../../../../_ui/page-header.tsx';
import { Panel } from '../../../../_ui/panel.tsx';
import { StatusBadge } from '../../../../_ui/status-badge.tsx';
import { TwoColumns } from '../../../../_ui/two-columns.tsx';
import { DeliveryTable } from '../delivery-table.tsx';
import { CHANNEL_STATES, KIND_NAMES, routingWords } from '../notification-words.ts';
import { ChannelSettings, ChannelSteps } from './channel-settings.client.tsx';
import { RoutingForm } from './routing-form.client.tsx';
import { TestButton } from './test-button.client.tsx';

export const metadata: Metadata = { title: 'Channel' };

export default async function ChannelPage({ params }: IdProps): Promise<ReactNode> {
  const { services, scope } = await pageScope();
  const { id } = await params;
  if (!isUuid(id)) notFound();
  const channel = await orNotFound(viewChannel(services, scope, id));
  const { nowMs, customers, canChange, isCustomer } = await viewNotifications(services, scope);
  const clock = { nowMs, timeZone: 'UTC' };
  const known = {
    id,
    kind: channel.kind,
    name: channel.name,
    version: channel.version,
    settings: channel.settings,
    isOff: channel.state === 'off',
  };
  const names = new Map(customers.map((one) => [one.id, one.name]));
  const isMonitor = channel.kind === 'dead_man';
  return (
    <>
      <LiveRefresh isActive={channel.deliveries.some(({ state }) => state === 'waiting' || state === 'sending')} />
      <PageHeader
        crumbs={[{ label: 'Notifications', href: '/settings/notifications' }]}
        eyebrow={channel.name}
        badge={<StatusBadge state={CHANNEL_STATES[channel.state]} />}
        sentence={channelSentence(channel)}
        support={
          isMonitor
            ? 'It hears of us as long as alerts are evaluated.'
            : `Is told: ${routingWords(channel.routing, names)}.`
        }
        actions={canChange ? <ChannelSteps channel={known} /> : undefined}
      />
      <div className="hf-stack">
        {channel.stateReason !== null && (
          <Notice tone="warn" title={CHANNEL_STATES[channel.state].word}>
            {channel.stateReason}
          </Notice>
        )}
        {channel.oldSecretUntilMs !== null && (
          <Notice tone="calm" title="Two signing secrets are valid">
            The one before ends <Moment atMs={channel.oldSecretUntilMs} clock={clock} />.
          </Notice>
        )}
        {canChange && (
          <TwoColumns
            main={
              isMonitor ? (
                <Panel title="Where it leads">
                  <ChannelSettings channel={known} isCustomer={isCustomer} customers={customers} />
                </Panel>
              ) : (
                <Panel title="What is told">
                  <RoutingForm
                    key={channel.version}
                    channel={channel}
                    customers={isCustomer ? [] : customers}
                    zones={['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')]}
                    isForPeople={CHANNEL_MANNERS[channel.kind] === 'people'}
                    canDigest={CHANNEL_MANNERS[channel.kind] === 'people'}
                  />
                </Panel>
              )
            }
            side={
              <div className="hf-stack">
                <Panel title="Try it">
                  <TestButton channelId={id} />
                </Panel>
                {!isMonitor && (
                  <Panel title="Where it leads">
                    <ChannelSettings channel={known} isCustomer={isCustomer} customers={customers} />
                  </Panel>
                )}
              </div>
            }
          />
        )}
        <Panel title="The last deliveries" isFlush>
          {channel.deliveries.length === 0 ? (
            <EmptyState title="Nothing was sent through it yet">A test shows whether it works.</EmptyState>
          ) : (
            <DeliveryTable rows={channel.deliveries} clock={clock} hasChannel={false} />
          )}
        </Panel>
      </div>
    </>
  );
}

function channelSentence(channel: ChannelView): string {
  const what = `${KIND_NAMES[channel.kind]}${channel.place === '' ? '' : ` to ${channel.place}`}`;
  switch (channel.state) {
    case 'works':
      return `${what} gets through.`;
    case 'unused':
      return `${what} has not been tried yet.`;
    case 'off':
      return `${what} is switched off.`;
    default:
      return `${what} does not get through at the moment.`;
  }
}
