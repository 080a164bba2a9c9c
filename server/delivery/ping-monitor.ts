/**
 * The dead-man ping: a word to a monitor outside, as long as alerts are evaluated. When this service stands still it can tell
 * nobody; then the word does not come, and the monitor raises the alarm.
 */
import type { SendOutcome } from '../../core/domain/delivery/attempts.ts';
import { CHANNEL_SETTINGS } from '../../core/domain/delivery/channel-kinds.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { openChannelSecret } from './channel-secrets.ts';
import { webOutcome } from './channels/web-outcome.ts';
import type { ChannelRow } from './load-waiting.ts';
import { type Caller, callerOf } from './outbound/call.ts';
import { recordFailure } from './record-deliveries.ts';

/** Sweeps come every half minute; ten that are missing are no delay. */
const ALIVE_SECONDS = 300;
/** What evaluates alerts. */
const EVALUATING = ['schedule-sweep'];
/** A ping that is due a moment later is due: sweeps do not come to the second. */
const EARLY_MS = 20_000;

export function isPingDue(channel: Pick<ChannelRow, 'settings' | 'lastSentAt'>, nowMs: number): boolean {
  const { everyMinutes } = CHANNEL_SETTINGS.dead_man.parse(channel.settings);
  return channel.lastSentAt === null || nowMs - channel.lastSentAt.getTime() >= everyMinutes * 60_000 - EARLY_MS;
}

export async function pingMonitor(services: Services, claim: Claim, channel: ChannelRow): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  const isResting = (channel.brokenUntil?.getTime() ?? 0) > nowMs;
  if (channel.disabledAt !== null || channel.removedAt !== null || isResting || !isPingDue(channel, nowMs)) return;
  const { secretSealed } = channel;
  if (secretSealed === null) return;
  const place = { tenantId, id: channel.id, kind: 'dead_man', column: 'secret_sealed' } as const;
  const url = await withScope(services, claim.scope, async (tx) =>
    (await isEvaluating(tx, tenantId)) ? (await openChannelSecret(services, tx, place, secretSealed)).url : undefined,
  );
  if (url === undefined) {
    services.log.warn(
      { channel: channel.id },
      'alerts are not evaluated: the monitor outside is not told that they are',
    );
    return;
  }
  const outcome = await pingOnce(callerOf(services.env), url, nowMs);
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    // It is never switched off by itself: the monitor has raised the alarm, and the next ping ends it.
    if (outcome.state !== 'sent') await recordFailure(services, tx, tenantId, channel.id, outcome.reason);
    else
      await tx.notificationChannel.updateMany({
        where: { tenantId, id: channel.id },
        data: { failures: 0, failingSince: null, brokenUntil: null, lastError: null, lastSentAt: new Date(nowMs) },
      });
  });
}

export async function pingOnce(caller: Caller, url: string, nowMs: number): Promise<SendOutcome> {
  const result = await caller.call({ method: 'GET', url });
  return webOutcome(result, { secrets: [url], nowMs, isStrict: false, name: 'The monitor' });
}

async function isEvaluating(tx: Tx, tenantId: string): Promise<boolean> {
  const [row] = await tx.$queryRaw<{ alive: boolean }[]>`
    SELECT coalesce(max(finished_at) > now() - ${ALIVE_SECONDS} * interval '1 second', false) AS alive FROM job_intent
    WHERE tenant_id = ${tenantId}::uuid AND kind = ANY (${EVALUATING}::text[]) AND state = 'done'`;
  return row?.alive ?? false;
}
