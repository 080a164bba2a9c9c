/** How urgent the alerts of a rule are: as the rule says, unless a customer has an urgency of its own for it. */
import type { Severity } from './kinds.ts';
import { ruleKey } from './reconcile.ts';

/** What differs at customers, by `urgencyKey`. */
export type Urgencies = ReadonlyMap<string, Severity>;

export function urgencyKey(
  customerId: string,
  rule: { readonly kind: string; readonly ruleId: string | null },
): string {
  return `${customerId} ${ruleKey(rule)}`;
}

/** The same alert with the urgency that it has at this customer. */
export function weighedFor<
  A extends { readonly kind: string; readonly ruleId: string | null; readonly severity: Severity },
>(alert: A, customerId: string, urgencies: Urgencies): A {
  const severity = urgencies.get(urgencyKey(customerId, alert));
  return severity === undefined || severity === alert.severity ? alert : { ...alert, severity };
}
