/**
 * Telling something, in the transaction of its cause: the notification, a delivery for each channel that wants it, and the jobs
 * that send them. What is not committed is told to nobody, and what is committed is told.
 */
import { newId } from '../../core/base/ids.ts';
import type { NotificationEvent } from '../../core/domain/delivery/notification.ts';
import { CHANNEL_MANNERS, isChannelKind } from '../../core/domain/delivery/channel-kinds.ts';
import { channelRouting, minutesUntilTold } from '../../core/domain/delivery/routing.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { enqueueIntent } from '../jobs/intents.ts';
import type { Services } from '../services.ts';

const MINUTE_MS = 60_000;

export interface PublishOptions {
  /** Only through this channel, whatever its routing says: a test, a digest. */
  readonly onlyChannelId?: string;
  /** Not through this one: a channel is not told through itself that it fails. */
  readonly exceptChannelId?: string;
}

/** @returns the deliveries' ids; undefined when the same cause was told before. */
export async function publishNotification(
  services: Pick<Services, 'clock'>,
  tx: Tx,
  scope: Scope,
  event: NotificationEvent,
  options: PublishOptions = {},
): Promise<readonly string[] | undefined> {
  const id = newId(services.clock);
  const inserted = await tx.$executeRaw`
    INSERT INTO notification (tenant_id, id, customer_id, source_key, subject_key, transition, severity, kind, subject_name,
      title, message, path, at, created_at)
    VALUES (${scope.tenantId}::uuid, ${id}::uuid, ${event.customerId}::uuid, ${event.sourceKey}, ${event.subjectKey},
      ${event.transition}, ${event.severity}, ${event.kind}, ${event.subjectName}, ${event.title}, ${event.message},
      ${event.path}, ${new Date(event.atMs)}, ${new Date(services.clock.nowMs())})
    ON CONFLICT (tenant_id, source_key) DO NOTHING`;
  if (inserted === 0) return undefined;
  const deliveries: string[] = [];
  for (const channel of await channelsFor(tx, scope, event, options)) {
    const nowMs = services.clock.nowMs();
    const waitMs = Math.max(channel.afterMinutes * MINUTE_MS, channel.gatherMs);
    // A wait counts from the event: what was held up on its way here is not held up twice.
    const dueMs = Math.max(nowMs, event.atMs + waitMs);
    const deliveryId = newId(services.clock);
    await tx.notificationDelivery.create({
      data: {
        tenantId: scope.tenantId,
        id: deliveryId,
        customerId: channel.customerId,
        channelId: channel.id,
        notificationId: id,
        messageKey: `msg_${deliveryId}`,
        asksAgain: channel.afterMinutes > 0 && event.transition === 'opened',
        state: 'waiting',
        dueAt: new Date(dueMs),
        createdAt: new Date(nowMs),
      },
    });
    await wakeChannel(tx, scope, channel, dueMs - nowMs);
    deliveries.push(deliveryId);
  }
  return deliveries;
}

interface ChosenChannel {
  readonly id: string;
  readonly customerId: string | null;
  readonly afterMinutes: number;
  readonly gatherMs: number;
}

async function channelsFor(
  tx: Tx,
  scope: Scope,
  event: NotificationEvent,
  { onlyChannelId, exceptChannelId }: PublishOptions,
): Promise<ChosenChannel[]> {
  const channels = await tx.notificationChannel.findMany({
    where: {
      tenantId: scope.tenantId,
      removedAt: null,
      ...(onlyChannelId === undefined ? { disabledAt: null } : { id: onlyChannelId }),
    },
    select: { id: true, kind: true, customerId: true, routing: true },
    orderBy: { id: 'asc' },
  });
  return channels.flatMap(({ id, kind, customerId, routing: stored }) => {
    if (onlyChannelId !== undefined) return [{ id, customerId, afterMinutes: 0, gatherMs: 0 }];
    if (id === exceptChannelId || !isChannelKind(kind)) return [];
    // A customer hears of itself alone; the database would not let it read more either.
    if (customerId !== null && customerId !== event.customerId) return [];
    // What the service says of itself is not for service desks: it opens no tickets.
    if (event.transition === 'notice' && CHANNEL_MANNERS[kind] === 'desk') return [];
    const routing = channelRouting.parse(stored);
    const afterMinutes = minutesUntilTold(routing, event);
    if (afterMinutes === null) return [];
    const isGathered = event.transition !== 'notice';
    // An escalation concerns the beginning; how it went on is told, or not, by what was told of it.
    const wait = event.transition === 'opened' ? afterMinutes : 0;
    return [{ id, customerId, afterMinutes: wait, gatherMs: isGathered ? routing.gatherSeconds * 1000 : 0 }];
  });
}

/** Has a channel's job run after so long; one that waits for later is brought forward. */
export async function wakeChannel(
  tx: Tx,
  scope: Scope,
  { id: channelId, customerId }: { readonly id: string; readonly customerId: string | null },
  afterMs: number,
): Promise<void> {
  const wait = Math.max(0, Math.ceil(afterMs));
  // By the database's clock, as all jobs are.
  const [row] = await tx.$queryRaw<{ at: Date }[]>`SELECT now() + ${wait} * interval '1 millisecond' AS at`;
  const runAfter = row?.at ?? new Date();
  // The job is its channel's, whoever causes it: a customer could not bring forward what it cannot see.
  const options = { dedupeKey: channelId, runAfter, customerId };
  if ((await enqueueIntent(tx, scope, 'deliver', { channelId }, options)) !== undefined) return;
  await tx.$executeRaw`UPDATE job_intent SET run_after = ${runAfter}
    WHERE tenant_id = ${scope.tenantId}::uuid AND kind = 'deliver' AND dedupe_key = ${channelId} AND state = 'waiting'
      AND run_after > ${runAfter}`;
}
