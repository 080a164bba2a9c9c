import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import type { Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { publishNotification } from './publish.ts';
import { findChannel, requireChannelRight } from './save-channel.ts';

/** Recipients are typed by whoever sets up a channel: nobody's mailbox is filled by a button. */
const TESTS_MAX = 10;
const WINDOW_MS = 10 * 60_000;

/** Sends a test through a channel as everything is sent, past its routing and its rest. Its answer is the delivery's. @throws HoldfastError rate_limited. */
export async function testChannel(
  services: Services,
  scope: Scope,
  channelId: string,
): Promise<{ deliveryId: string }> {
  requireChannelRight(scope);
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const channel = await findChannel(tx, scope, channelId);
    const since = new Date(services.clock.nowMs() - WINDOW_MS);
    const recent = await tx.notificationDelivery.findMany({
      where: { tenantId: scope.tenantId, channelId, createdAt: { gt: since } },
      select: { notificationId: true },
    });
    const tests = await tx.notification.count({
      where: {
        tenantId: scope.tenantId,
        id: { in: recent.map(({ notificationId }) => notificationId) },
        transition: 'test',
      },
    });
    if (tests >= TESTS_MAX)
      throw new HoldfastError(
        'rate_limited',
        `This channel was tested ${TESTS_MAX} times within ten minutes. Wait a little: those who receive it are people too.`,
      );
    const id = newId(services.clock);
    const [deliveryId = ''] =
      (await publishNotification(
        services,
        tx,
        scope,
        {
          tenantId: scope.tenantId,
          customerId: channel.customerId,
          sourceKey: `test:${id}`,
          subjectKey: `test:${id}`,
          transition: 'test',
          severity: 'info',
          kind: 'test',
          subjectName: channel.name,
          title: 'A test from Holdfast',
          message: 'If you read this, the channel works. Nothing has happened, and nothing has to be done.',
          path: '/settings/notifications',
          atMs: services.clock.nowMs(),
        },
        { onlyChannelId: channelId },
      )) ?? [];
    await audit('channel.tested', { kind: 'notification_channel', id: channelId }, { deliveryId });
    return { deliveryId };
  });
}
