/** Damage whose repair got stuck: whatever came to nothing on the way is ordered again. */
import { applyChange } from '../changes/apply-change.ts';
import type { Damage } from '../db/generated/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { addVerification } from '../verification/queue-verification.ts';
import { askRepair, isRepairable } from './ask-repair.ts';

/** A machine that failed is asked again after this, so often; then a person has to look. */
const ASK_AGAIN_MS = 6 * 3600_000;
const ASKS_MAX = 8;
/** After a check that came to nothing. */
const RETRY_AFTER_MS = 15 * 60_000;

type OpenDamage = Damage & { readonly command: { readonly state: string } | null };

export async function orderRepairs(services: Services, claim: Claim): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  const open = await withScope(services, claim.scope, (tx) =>
    tx.damage.findMany({
      where: {
        tenantId,
        endedAt: null,
        device: { revokedAt: null },
        verifications: {
          none: {
            OR: [{ state: { in: ['queued', 'running'] } }, { createdAt: { gt: new Date(nowMs - RETRY_AFTER_MS) } }],
          },
        },
      },
      include: { command: { select: { state: true } } },
      take: 100,
    }),
  );
  for (const damage of open) await advance(services, claim, damage, nowMs);
}

async function advance(services: Services, claim: Claim, damage: OpenDamage, nowMs: number): Promise<void> {
  if (!damage.keys.some(isRepairable)) return;
  const isWaiting = damage.command?.state === 'pending' || damage.command?.state === 'delivered';
  if (damage.state === 'repairing' && isWaiting) return;
  const isAskable = damage.asks < ASKS_MAX && (damage.askedAt?.getTime() ?? 0) <= nowMs - ASK_AGAIN_MS;
  const isCheckable = damage.state === 'checking';
  if (!isCheckable && !isAskable) return;
  await applyChange(services, claim.scope, async (change) => {
    await claim.guard(change.tx);
    if (!isCheckable) {
      await askRepair(services, change, damage);
      return;
    }
    const id = await addVerification(services, change, damage, { purpose: 'repair', level: 2, damageId: damage.id });
    await change.audit('verification.requested', { kind: 'damage', id: damage.id }, { verificationId: id });
  });
}
