/** Metric 18: the alert for a budget that is used up fast, of the month under way. */
import { type ContractVersion } from '../../core/domain/sla/contract.ts';
import type { CustomerFigures } from '../../core/domain/sla/customer-figures.ts';
import { burnsFast, BURN_LOOK_MS } from '../../core/domain/sla/error-budget.ts';
import { sourceFigures } from '../../core/domain/sla/source-figures.ts';
import { changeIfAny } from '../alerts/change-if-any.ts';
import type { AlertChange } from '../alerts/open-alert.ts';
import { settleRules } from '../alerts/settle-rules.ts';
import type { Tx } from '../db/client.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { loadFacts } from './load-facts.ts';
import type { MonthPlace } from './roll-up.ts';

/** What the roll-up has just computed. */
export interface ComputedMonth {
  readonly place: MonthPlace;
  readonly versions: readonly ContractVersion[];
  readonly figures: CustomerFigures;
  /** Sources with time outside their target in this month. */
  readonly brokenIds: readonly string[];
}

export async function watchBurn(
  services: Services,
  claim: Pick<Claim, 'scope' | 'guard'>,
  { place, versions, figures, brokenIds }: ComputedMonth,
): Promise<void> {
  const nowMs = services.clock.nowMs();
  if (nowMs < place.whole.startMs || nowMs >= place.whole.endMs) return;
  // Where nothing may go wrong, every breach would be fast: the rules about the age of data tell of it.
  const tiers = figures.tiers.filter(({ budget }) => budget.budgetMs > 0);
  await changeIfAny(services, claim, async (change) => {
    const { tenantId, customerId } = place;
    if (tiers.length === 0 && (await countOpen(change.tx, place)) === 0) return 0;
    const breaches = tiers.length === 0 ? [] : await recentBreaches(change.tx, place, versions, brokenIds, nowMs);
    const burning = tiers.filter(({ tier, budget }) =>
      burnsFast(
        breaches.filter(({ tierKey }) => tierKey === tier.key),
        budget.budgetMs,
        nowMs,
      ),
    );
    let changes = 0;
    const counted: AlertChange = {
      tx: change.tx,
      audit: async (...entry) => {
        changes += 1;
        await change.audit(...entry);
      },
    };
    await settleRules(services, counted, { tenantId, customerId, deviceId: null }, 'burn', () =>
      burning.length === 0 ? undefined : { message: messageOf(burning) },
    );
    return changes;
  });
}

function messageOf(burning: CustomerFigures['tiers']): string {
  const used = burning.map(({ tier, budget }) => `${tier.name}: ${Math.floor((budget.burn ?? 0) * 100)} %`).join(', ');
  return `Data has been too old for more of the last hours than the contract allows at this pace. Used of what may go wrong this month: ${used}. The page Service level of the customer names the sources and their causes; what is mended now is still within the promise.`;
}

async function countOpen(tx: Tx, { tenantId, customerId }: MonthPlace): Promise<number> {
  return await tx.alert.count({ where: { tenantId, customerId, kind: 'burn', resolvedAt: null } });
}

/** Of the last hours alone: nothing further back makes a budget burn fast now. */
async function recentBreaches(
  tx: Tx,
  { tenantId, customerId, whole }: MonthPlace,
  versions: readonly ContractVersion[],
  sourceIds: readonly string[],
  nowMs: number,
) {
  if (sourceIds.length === 0) return [];
  const recent = { startMs: Math.max(whole.startMs, nowMs - BURN_LOOK_MS), endMs: nowMs };
  const facts = await loadFacts(tx, { tenantId, customerIds: [customerId], sourceIds, isLookingBack: false }, recent);
  return facts.flatMap((one) => {
    const figures = sourceFigures(one, versions, recent, nowMs);
    return (figures?.breaches ?? []).map((breach) => ({ ...breach, tierKey: figures!.tier.key }));
  });
}
