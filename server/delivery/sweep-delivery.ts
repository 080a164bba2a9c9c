/**
 * What nobody's transaction causes: alerts that were not told yet, digests that are due, pings, channels whose work lies there
 * because a job died. It takes no input and converges on the present state: any pass may be repeated.
 */
import { channelRouting, nextDigest } from '../../core/domain/delivery/routing.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { followAlerts } from './follow-alerts.ts';
import { isPingDue } from './ping-monitor.ts';
import { publishNotification, wakeChannel } from './publish.ts';
import { writeDigest } from './write-digest.ts';

/** Overdue by so much, and no job has taken it: the one that should have is dead. */
const FORGOTTEN_MS = 60_000;

export async function sweepDelivery(services: Services, claim: Claim): Promise<void> {
  await followAlerts(services, claim);
  await sendDigests(services, claim);
  await wakeChannels(services, claim);
}

async function sendDigests(services: Services, claim: Claim): Promise<void> {
  const { tenantId } = claim.scope;
  const now = new Date(services.clock.nowMs());
  const due = await withScope(services, claim.scope, (tx) =>
    tx.notificationChannel.findMany({
      where: { tenantId, removedAt: null, disabledAt: null, digestDueAt: { lte: now } },
      select: { id: true },
    }),
  );
  for (const { id } of due)
    await withScope(services, claim.scope, async (tx) => {
      await claim.guard(tx);
      const channel = await tx.notificationChannel.findFirstOrThrow({ where: { tenantId, id } });
      const { digest } = channelRouting.parse(channel.routing);
      const sequence = channel.digestSequence + 1;
      // Days on which nobody ran are not made up for: the next number tells that none is missing, the date that days are.
      const nextMs = digest === null ? null : nextDigest(digest, now.getTime());
      const { count } = await tx.notificationChannel.updateMany({
        where: { tenantId, id, digestSequence: channel.digestSequence },
        data: { digestSequence: sequence, digestDueAt: nextMs === null ? null : new Date(nextMs) },
      });
      if (count === 0 || digest === null || nextMs === null) return;
      const event = await writeDigest(services, tx, channel, { sequence, nextMs, timeZone: digest.timeZone });
      await publishNotification(services, tx, claim.scope, event, { onlyChannelId: id });
    });
}

async function wakeChannels(services: Services, claim: Claim): Promise<void> {
  const { scope } = claim;
  const { tenantId } = scope;
  const nowMs = services.clock.nowMs();
  await withScope(services, scope, async (tx) => {
    const monitors = await tx.notificationChannel.findMany({
      where: { tenantId, kind: 'dead_man', removedAt: null, disabledAt: null },
    });
    for (const monitor of monitors) if (isPingDue(monitor, nowMs)) await wakeChannel(tx, scope, monitor, 0);
    const forgotten = await tx.notificationDelivery.groupBy({
      by: ['channelId', 'customerId'],
      where: { tenantId, state: { in: ['waiting', 'sending'] }, dueAt: { lt: new Date(nowMs - FORGOTTEN_MS) } },
    });
    for (const { channelId: id, customerId } of forgotten) await wakeChannel(tx, scope, { id, customerId }, 0);
  });
}
