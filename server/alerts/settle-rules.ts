import { type AlertKind, isFoundKind, KIND_WORDS } from '../../core/domain/alerts/kinds.ts';
import type { StandingAlert } from '../../core/domain/alerts/reconcile.ts';
import { isRuleOf, matchesFilter, type Rule } from '../../core/domain/alerts/rules.ts';
import { weighedFor } from '../../core/domain/alerts/urgency.ts';
import type { Services } from '../services.ts';
import { loadRules, loadSubject } from './load-rules.ts';
import { loadUrgencies } from './load-urgencies.ts';
import { moveAlerts, movesOf } from './move-alerts.ts';
import type { AlertChange, AlertSubject } from './open-alert.ts';
import { endUnheard, noteUnheard } from './unheard-findings.ts';

/**
 * Opens, changes and closes the alerts of one kind and subject where something is found out, by each of its rules: the built-in
 * one and the provider's own. `decide` says what a rule sees, or undefined when nothing is wrong by its limits; its cause is the
 * kind unless it says another one.
 */
export async function settleRules<K extends AlertKind>(
  services: Pick<Services, 'clock'>,
  change: AlertChange,
  subject: AlertSubject,
  kind: K,
  decide: (rule: Rule<K>) => { readonly title?: string; readonly message: string; readonly cause?: string } | undefined,
): Promise<void> {
  const { tenantId, customerId, deviceId, policyId = null } = subject;
  const rules = (await loadRules(change.tx, tenantId)).filter((rule) => isRuleOf(rule, kind));
  const about = await loadSubject(change.tx, tenantId, subject);
  const standing = await change.tx.$queryRaw<StandingAlert[]>`
    SELECT id, kind, rule_id AS "ruleId", severity, cause FROM alert
    WHERE tenant_id = ${tenantId}::uuid AND customer_id = ${customerId}::uuid AND device_id IS NOT DISTINCT FROM ${deviceId}::uuid
      AND policy_id IS NOT DISTINCT FROM ${policyId}::uuid AND kind = ${kind} AND resolved_at IS NULL`;
  const urgencies = await loadUrgencies(change.tx, tenantId, customerId);
  const wanted = rules.flatMap((rule) => {
    if (!rule.isEnabled || !matchesFilter(rule.filter, about)) return [];
    const sight = decide(rule);
    if (sight === undefined) return [];
    const { title = rule.id === null ? KIND_WORDS[kind].name : rule.name, message, cause = kind } = sight;
    const alert = { kind, ruleId: rule.id, severity: rule.severity, cause, title, message };
    return [weighedFor(alert, customerId, urgencies)];
  });
  if (isFoundKind(kind)) {
    const builtIn = rules.find(({ id }) => id === null);
    const isHeard = builtIn === undefined || (builtIn.isEnabled && matchesFilter(builtIn.filter, about));
    if (!isHeard && decide(builtIn) !== undefined) await noteUnheard(services, change, subject, kind);
    else await endUnheard(services, change, subject, kind);
  }
  const moves = movesOf(subject, about, rules, wanted, standing);
  if (moves !== undefined) await moveAlerts(services, change, tenantId, [moves]);
}
