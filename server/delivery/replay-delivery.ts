import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import type { Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { wakeChannel } from './publish.ts';
import { findChannel, requireChannelRight } from './save-channel.ts';

/**
 * Sends a delivery that has ended once more, with the key that it had: a receiver that took it knows it again.
 * @throws HoldfastError not_found; bad_request while it is not over or its channel is off.
 */
export async function replayDelivery(
  services: Services,
  scope: Scope,
  deliveryId: string,
): Promise<{ deliveryId: string }> {
  requireChannelRight(scope);
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const { tenantId } = scope;
    const before = await tx.notificationDelivery.findFirst({ where: { tenantId, id: deliveryId } });
    if (before === null) throw new HoldfastError('not_found', 'There is no such delivery.');
    const channel = await findChannel(tx, scope, before.channelId);
    if (before.endedAt === null)
      throw new HoldfastError('bad_request', 'This delivery is not over yet: it is still tried by itself.');
    if (channel.disabledAt !== null)
      throw new HoldfastError('bad_request', 'The channel is switched off. Switch it on first.');
    const now = new Date(services.clock.nowMs());
    const id = newId(services.clock);
    await tx.notificationDelivery.create({
      data: {
        tenantId,
        id,
        customerId: before.customerId,
        channelId: before.channelId,
        notificationId: before.notificationId,
        messageKey: before.messageKey,
        replayOf: before.id,
        state: 'waiting',
        dueAt: now,
        createdAt: now,
      },
    });
    await wakeChannel(tx, scope, channel, 0);
    await audit('delivery.replayed', { kind: 'notification_delivery', id: deliveryId }, { replay: id });
    return { deliveryId: id };
  });
}
