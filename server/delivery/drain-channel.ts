/**
 * Sends what waits for one channel. One job at a time does it, so that order, rate and gathering hold; each message is marked
 * before it is sent and recorded after it, under the job's fence. A worker that is killed in between leaves the mark, and the
 * next one knows that the message may have arrived.
 */
import type { SendOutcome } from '../../core/domain/delivery/attempts.ts';
import { BREAKER_FAILURES } from '../../core/domain/delivery/attempts.ts';
import { CHANNEL_MANNERS, isChannelKind } from '../../core/domain/delivery/channel-kinds.ts';
import { planMessages, type WaitingDelivery } from '../../core/domain/delivery/plan-messages.ts';
import { channelRouting } from '../../core/domain/delivery/routing.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { type ChannelRow, loadWaiting } from './load-waiting.ts';
import { wakeChannel } from './publish.ts';
import { endInterrupted, markSending, postpone, recordOutcome, skip } from './record-deliveries.ts';
import { pingMonitor } from './ping-monitor.ts';
import { composeMessage, sendThrough } from './send-through.ts';

/** Longer than the job may run: after it the job is dead, and another may take the channel. */
const DRAIN_MS = 6 * 60_000;
const ROUNDS_MAX = 50;
/** What is left after so long is done by the next job, so that a slow receiver keeps no worker for long. */
const WORK_MS = 2 * 60_000;

export interface DrainOptions {
  readonly signal: AbortSignal;
  /** Tests: what happens between the sending and its record. */
  readonly afterSend?: () => Promise<void>;
}

export async function drainChannel(
  services: Services,
  claim: Claim,
  channelId: string,
  options: DrainOptions,
): Promise<void> {
  const channel = await takeChannel(services, claim, channelId);
  if (channel === undefined) return; // another job sends through it, and looks once more before it ends
  const untilMs = performance.now() + WORK_MS;
  if (channel.kind === 'dead_man') await pingMonitor(services, claim, channel);
  for (let round = 0; round < ROUNDS_MAX && performance.now() < untilMs && !options.signal.aborted; round += 1) {
    if (!(await sendRound(services, claim, channelId, options))) break;
  }
  await letGo(services, claim, channelId);
}

async function takeChannel(services: Services, claim: Claim, channelId: string): Promise<ChannelRow | undefined> {
  const { tenantId } = claim.scope;
  const now = new Date(services.clock.nowMs());
  const until = new Date(now.getTime() + DRAIN_MS);
  const mine = claim.intent.id;
  return await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    // Held by a job that is not running any more, it is free: its worker died, and another job of the channel took its place.
    const count =
      await tx.$executeRaw`UPDATE notification_channel c SET drain_intent_id = ${mine}::uuid, drain_until = ${until}
      WHERE c.tenant_id = ${tenantId}::uuid AND c.id = ${channelId}::uuid
        AND (c.drain_intent_id IS NULL OR c.drain_intent_id = ${mine}::uuid OR c.drain_until < ${now}
          OR NOT EXISTS (SELECT 1 FROM job_intent i
            WHERE i.tenant_id = c.tenant_id AND i.id = c.drain_intent_id AND i.state = 'running'))`;
    if (count === 0) return undefined;
    // Marked by a worker that is gone: nobody knows whether it arrived.
    await endInterrupted(services, tx, { tenantId, channelId });
    return (await tx.notificationChannel.findFirst({ where: { tenantId, id: channelId } })) ?? undefined;
  });
}

/** @returns whether there may be more to do now. */
async function sendRound(services: Services, claim: Claim, channelId: string, options: DrainOptions): Promise<boolean> {
  const { scope } = claim;
  const nowMs = services.clock.nowMs();
  const loaded = await withScope(
    services,
    scope,
    async (tx) => await loadWaiting(tx, scope.tenantId, channelId, nowMs),
  );
  if (loaded === undefined || !isChannelKind(loaded.channel.kind)) return false;
  const { channel } = loaded;
  const manner = CHANNEL_MANNERS[loaded.channel.kind];
  const routing = channelRouting.parse(channel.routing);
  const isOff = channel.disabledAt !== null || channel.removedAt !== null;
  const isResting = channel.brokenUntil !== null && channel.brokenUntil.getTime() > nowMs;
  // A person who tests a channel that rests or is switched off gets the true answer all the same.
  const deliveries =
    isOff || isResting ? loaded.deliveries.filter(({ transition }) => transition === 'test') : loaded.deliveries;
  const plan = planMessages(deliveries, { ...loaded.facts, manner, routing, nowMs });
  const switchedOff = { reason: 'The channel was switched off before this was sent.' };
  const skips = [
    ...plan.skips,
    ...(isOff
      ? loaded.deliveries.filter((one) => one.transition !== 'test').map(({ id }) => ({ id, ...switchedOff }))
      : []),
  ];
  await withScope(services, scope, async (tx) => {
    await claim.guard(tx);
    await skip(services, tx, scope.tenantId, skips);
    await postpone(tx, scope.tenantId, plan.waits);
  });
  // After a row of failures one message finds out whether it works again.
  const isProbing = channel.failures >= BREAKER_FAILURES && !isResting;
  const messages = isProbing ? plan.messages.slice(0, 1) : plan.messages;
  for (const message of messages) {
    if (options.signal.aborted) return false;
    const outcome = await sendOne(services, claim, channel, message, options);
    if (outcome.state !== 'sent' && message[0]?.transition !== 'test') {
      // The others would meet the same; they keep their attempts.
      const now = await withScope(services, scope, async (tx) =>
        tx.notificationChannel.findFirst({ where: { tenantId: scope.tenantId, id: channelId } }),
      );
      if (now === null || now.disabledAt !== null || now.brokenUntil !== null) return now?.disabledAt != null;
    }
  }
  return messages.length > 0;
}

async function sendOne(
  services: Services,
  claim: Claim,
  channel: ChannelRow,
  deliveries: readonly WaitingDelivery[],
  options: DrainOptions,
): Promise<SendOutcome> {
  const marked = await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    const attempt = await markSending(services, tx, claim.scope.tenantId, deliveries);
    return { attempt, message: await composeMessage(services, tx, channel, deliveries) };
  });
  const outcome = await sendThrough(services, claim, channel, marked.message).catch((error: unknown): SendOutcome => {
    if (error instanceof HoldfastError && error.code === 'conflict') throw error;
    if (!(error instanceof HoldfastError))
      services.log.error({ err: error, channel: channel.id }, 'a message could not be sent');
    const reason =
      error instanceof HoldfastError ? error.message : 'Something failed inside Holdfast before it was sent.';
    return { state: error instanceof HoldfastError ? 'rejected' : 'refused', reason, response: '' };
  });
  await options.afterSend?.();
  await recordOutcome(services, claim, channel.id, deliveries, marked.attempt, outcome);
  return outcome;
}

/** Lets the channel go, and looks once more: what came meanwhile found it taken and relies on this look. */
async function letGo(services: Services, claim: Claim, channelId: string): Promise<void> {
  const { scope } = claim;
  const { tenantId } = scope;
  await withScope(services, scope, async (tx) => {
    await claim.guard(tx);
    await tx.notificationChannel.updateMany({
      where: { tenantId, id: channelId, drainIntentId: claim.intent.id },
      data: { drainIntentId: null, drainUntil: null },
    });
    const channel = await tx.notificationChannel.findFirst({ where: { tenantId, id: channelId } });
    const next = await tx.notificationDelivery.findFirst({
      where: { tenantId, channelId, state: 'waiting' },
      orderBy: { dueAt: 'asc' },
      select: { dueAt: true },
    });
    if (channel === null || next === null) return;
    const restMs = channel.brokenUntil?.getTime() ?? 0;
    const atMs = Math.max(next.dueAt.getTime(), channel.disabledAt === null ? restMs : 0);
    await wakeChannel(tx, scope, channel, Math.max(1_000, atMs - services.clock.nowMs()));
  });
}
