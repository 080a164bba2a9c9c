import type { Severity } from '../../core/domain/alerts/kinds.ts';
import { type Urgencies, urgencyKey } from '../../core/domain/alerts/urgency.ts';
import type { Tx } from '../db/client.ts';

/** What differs from the rules now; of one customer, or of all. Few rows: most customers have what the rules say. */
export async function loadUrgencies(tx: Tx, tenantId: string, customerId: string | null): Promise<Urgencies> {
  const rows = await tx.$queryRaw<{ customerId: string; ruleKey: string; severity: Severity | null }[]>`
    SELECT DISTINCT ON (customer_id, rule_key) customer_id AS "customerId", rule_key AS "ruleKey", severity FROM alert_urgency
    WHERE tenant_id = ${tenantId}::uuid AND (${customerId}::uuid IS NULL OR customer_id = ${customerId}::uuid)
    ORDER BY customer_id, rule_key, changed_at DESC, id DESC`;
  return new Map(
    rows.flatMap(({ customerId: of, ruleKey, severity }) =>
      // A rule's own id is its key, and so is its kind: both are found by it.
      severity === null ? [] : [[urgencyKey(of, { kind: ruleKey, ruleId: null }), severity] as const],
    ),
  );
}
