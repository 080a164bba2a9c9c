/** What became of deliveries, and what it means for their channel. Every function runs under the fence of the job. */
import {
  afterChannelFailure,
  afterFailure,
  ATTEMPTS_MAX,
  type SendOutcome,
  UNKNOWN_MAX,
} from '../../core/domain/delivery/attempts.ts';
import type { WaitingDelivery } from '../../core/domain/delivery/plan-messages.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { disableChannel } from './disable-channel.ts';

const RESPONSE_CHARS_MAX = 2_000;
const INTERRUPTED = 'The worker ended while it was being sent; nobody knows whether it arrived.';

type Clocked = Pick<Services, 'clock'>;

export async function skip(
  { clock }: Clocked,
  tx: Tx,
  tenantId: string,
  skips: readonly { readonly id: string; readonly reason: string }[],
): Promise<void> {
  for (const [reason, ids] of byReason(skips))
    await tx.notificationDelivery.updateMany({
      where: { tenantId, id: { in: ids }, state: 'waiting' },
      data: { state: 'skipped', reason, endedAt: new Date(clock.nowMs()) },
    });
}

export async function postpone(
  tx: Tx,
  tenantId: string,
  waits: readonly { readonly id: string; readonly untilMs: number; readonly reason: string }[],
): Promise<void> {
  for (const [key, ids] of byReason(waits.map((one) => ({ ...one, reason: `${one.untilMs}/${one.reason}` })))) {
    const [untilMs = '', reason = ''] = key.split(/\/(.*)/s);
    await tx.notificationDelivery.updateMany({
      where: { tenantId, id: { in: ids }, state: 'waiting' },
      data: { dueAt: new Date(Number(untilMs)), reason },
    });
  }
}

function byReason(list: readonly { readonly id: string; readonly reason: string }[]): Map<string, string[]> {
  const map = new Map<string, string[]>();
  for (const { id, reason } of list) map.set(reason, [...(map.get(reason) ?? []), id]);
  return map;
}

/** @returns the number of the attempt that begins now. From here on these deliveries are one message. */
export async function markSending(
  { clock }: Clocked,
  tx: Tx,
  tenantId: string,
  deliveries: readonly WaitingDelivery[],
): Promise<number> {
  const leader = leaderOf(deliveries);
  await tx.notificationDelivery.updateMany({
    where: { tenantId, id: { in: deliveries.map(({ id }) => id) }, state: 'waiting' },
    data: {
      state: 'sending',
      attempts: { increment: 1 },
      attemptedAt: new Date(clock.nowMs()),
      sentIn: deliveries.length > 1 ? leader.id : null,
    },
  });
  return leader.attempts + 1;
}

/** Whose key the message has: the one that led it before, else the first. */
export function leaderOf(deliveries: readonly WaitingDelivery[]): WaitingDelivery {
  const leader = deliveries.find(({ id, sentIn }) => sentIn === id) ?? deliveries[0];
  if (leader === undefined) throw new Error('a message of no delivery');
  return leader;
}

/** Deliveries that were marked by a worker that is gone: tried again, as everything whose arrival is unknown. */
export async function endInterrupted(
  { clock }: Clocked,
  tx: Tx,
  { tenantId, channelId }: { tenantId: string; channelId: string },
): Promise<void> {
  const now = new Date(clock.nowMs());
  const where = { tenantId, channelId, state: 'sending' };
  await tx.notificationDelivery.updateMany({
    where: { ...where, OR: [{ attempts: { gte: ATTEMPTS_MAX } }, { unknowns: { gte: UNKNOWN_MAX - 1 } }] },
    data: { state: 'failed', unknowns: { increment: 1 }, reason: INTERRUPTED, endedAt: now },
  });
  await tx.notificationDelivery.updateMany({
    where,
    data: { state: 'waiting', unknowns: { increment: 1 }, reason: INTERRUPTED, dueAt: now },
  });
}

export async function recordOutcome(
  services: Services,
  claim: Claim,
  channelId: string,
  deliveries: readonly WaitingDelivery[],
  attempts: number,
  outcome: SendOutcome,
): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  const now = new Date(nowMs);
  const ids = { in: deliveries.map(({ id }) => id) };
  const where = { tenantId, id: ids, state: 'sending' };
  const response = outcome.response.slice(0, RESPONSE_CHARS_MAX);
  const isTest = deliveries.every(({ transition }) => transition === 'test');
  const health = await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    if (outcome.state === 'sent') {
      await tx.notificationDelivery.updateMany({
        where,
        data: { state: 'sent', endedAt: now, response, reason: null, reference: outcome.reference ?? null },
      });
      await tx.notificationChannel.updateMany({
        where: { tenantId, id: channelId },
        data: { failures: 0, failingSince: null, brokenUntil: null, lastError: null, lastSentAt: now },
      });
      return undefined;
    }
    const leader = await tx.notificationDelivery.findFirstOrThrow({ where: { tenantId, id: leaderOf(deliveries).id } });
    const unknowns = leader.unknowns + (outcome.state === 'unknown' ? 1 : 0);
    // A person who tests waits in front of the screen: the answer is the answer.
    const next = isTest
      ? ({ step: 'end' } as const)
      : afterFailure(outcome, { attempts, unknowns, createdMs: leader.createdAt.getTime(), nowMs });
    await tx.notificationDelivery.updateMany({
      where,
      data: {
        unknowns,
        response,
        reason: outcome.reason,
        ...(next.step === 'end' ? { state: 'failed', endedAt: now } : { state: 'waiting', dueAt: new Date(next.atMs) }),
      },
    });
    return isTest ? undefined : await recordFailure(services, tx, tenantId, channelId, outcome.reason);
  });
  const isGone = outcome.state === 'gone' && !isTest;
  if (isGone || health?.isDisabled === true) {
    const reason = isGone
      ? 'The other side said that this address is gone for good.'
      : 'Nothing has arrived through it for three days.';
    await applyChange(services, claim.scope, async (change) => {
      await claim.guard(change.tx);
      await disableChannel(
        services,
        change,
        claim.scope,
        channelId,
        `${reason} The last answer: ${outcome.state === 'sent' ? '' : outcome.reason}`,
      );
    });
  }
}

export async function recordFailure(
  { clock }: Clocked,
  tx: Tx,
  tenantId: string,
  channelId: string,
  reason: string,
): Promise<{ readonly isDisabled: boolean }> {
  const channel = await tx.notificationChannel.findFirstOrThrow({ where: { tenantId, id: channelId } });
  const before = { failures: channel.failures, failingSinceMs: channel.failingSince?.getTime() ?? null };
  const health = afterChannelFailure(before, clock.nowMs());
  await tx.notificationChannel.updateMany({
    where: { tenantId, id: channelId },
    data: {
      failures: health.failures,
      failingSince: health.failingSinceMs === null ? null : new Date(health.failingSinceMs),
      brokenUntil: health.restsUntilMs === null ? null : new Date(health.restsUntilMs),
      lastError: reason,
    },
  });
  return { isDisabled: health.isDisabled };
}
