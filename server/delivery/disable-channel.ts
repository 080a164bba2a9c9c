import type { Scope } from '../access/scope.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { publishNotification } from './publish.ts';

/** Switches a channel off by itself, and says so through the others: nobody may believe that it still tells anything. */
export async function disableChannel(
  services: Pick<Services, 'clock'>,
  change: Change,
  scope: Scope,
  channelId: string,
  reason: string,
): Promise<void> {
  const { tx } = change;
  const { tenantId } = scope;
  const nowMs = services.clock.nowMs();
  const now = new Date(nowMs);
  const { count } = await tx.notificationChannel.updateMany({
    where: { tenantId, id: channelId, disabledAt: null },
    data: { disabledAt: now, disabledReason: reason, brokenUntil: null },
  });
  await change.audit('channel.disabled', { kind: 'notification_channel', id: channelId }, { reason });
  if (count === 0) return;
  await tx.notificationDelivery.updateMany({
    where: { tenantId, channelId, state: 'waiting' },
    data: { state: 'failed', reason: `The channel was switched off. ${reason}`, endedAt: now },
  });
  const { name, customerId } = await tx.notificationChannel.findFirstOrThrow({ where: { tenantId, id: channelId } });
  await publishNotification(
    services,
    tx,
    scope,
    {
      tenantId,
      customerId,
      sourceKey: `channel-disabled:${channelId}:${nowMs}`,
      subjectKey: `channel:${channelId}`,
      transition: 'notice',
      severity: 'warning',
      kind: 'channel_disabled',
      subjectName: name,
      title: 'A notification channel was switched off',
      message: `${name} tells nobody anything any more. ${reason} Alerts stand in the portal as ever. Look at its settings, send a test, and switch it on again.`,
      path: `/settings/notifications/${channelId}`,
      atMs: nowMs,
    },
    { exceptChannelId: channelId },
  );
}
