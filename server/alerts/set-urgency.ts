import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import type { AlertKind, Severity } from '../../core/domain/alerts/kinds.ts';
import { ruleKey } from '../../core/domain/alerts/reconcile.ts';
import { requireRole, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { loadRules } from './load-rules.ts';
import { rewordAlert } from './move-alerts.ts';

export interface UrgencyWish {
  readonly customerId: string;
  /** A kind for its built-in rule, or the id of one of the provider's own. */
  readonly ruleKey: string;
  /** Null: as the rule says. */
  readonly severity: Severity | null;
}

/**
 * How urgent a rule's alerts are at one customer: another version, with who and when. Alerts that stand are weighed anew at once.
 * The owner alone, as with rules.
 * @throws HoldfastError forbidden; not_found for a customer or a rule that is not there.
 */
export async function setUrgency(services: Services, scope: Scope, wish: UrgencyWish): Promise<void> {
  requireRole(scope, 'owner');
  const { tenantId } = scope;
  const { customerId, severity } = wish;
  await applyChange(services, scope, async (change) => {
    const { tx } = change;
    const customer = await tx.customer.findFirst({ where: { tenantId, id: customerId }, select: { id: true } });
    const rule = (await loadRules(tx, tenantId)).find(({ kind, id }) => ruleKey({ kind, ruleId: id }) === wish.ruleKey);
    if (customer === null || rule === undefined)
      throw new HoldfastError(
        'not_found',
        'There is no such customer or rule. Load the page again; nothing was changed.',
      );
    const id = newId(services.clock);
    await tx.alertUrgency.create({
      data: {
        ...{ tenantId, id, customerId, ruleKey: wish.ruleKey, severity },
        changedBy: scope.actor.id!,
        changedAt: new Date(services.clock.nowMs()),
      },
    });
    await change.audit('alert_urgency.changed', { kind: 'alert_urgency', id }, { ...wish });
    const to = severity ?? rule.severity;
    const standing = await tx.alert.findMany({
      where: { tenantId, customerId, kind: rule.kind, ruleId: rule.id, resolvedAt: null, severity: { not: to } },
    });
    for (const alert of standing)
      await rewordAlert(services, change, alert.id, {
        ...{ tenantId, customerId, deviceId: alert.deviceId, policyId: alert.policyId },
        ...{ kind: alert.kind as AlertKind, ruleId: alert.ruleId, cause: alert.cause },
        ...{ title: alert.title, message: alert.message, severity: to },
      });
  });
}
