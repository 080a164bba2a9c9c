import { HoldfastError } from '../../core/base/errors.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { type ApprovedReport, tellCustomer } from './tell-customer.ts';

export interface Approval {
  /** 2026-11 */
  readonly month: string;
  /** These alone; null: every report of the month that waits for it. */
  readonly reportIds: readonly string[] | null;
}

/**
 * Gives reports to their customers, and tells them by mail. Only the newest revision of each can be approved: who looked at an older one has looked at
 * figures that do not hold any more. @throws HoldfastError forbidden; conflict when none waits. @returns how many were approved by this call.
 */
export async function approveReports(services: Services, scope: Scope, wish: Approval): Promise<{ approved: number }> {
  requireStaff(scope);
  const { tenantId } = scope;
  const at = new Date(services.clock.nowMs());
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const rows = await tx.$queryRaw<(ApprovedReport & { sha256: string })[]>`
      UPDATE month_report r SET approved_at = ${at}, approved_by = ${scope.actor.id}::uuid FROM customer c
      WHERE c.tenant_id = r.tenant_id AND c.id = r.customer_id AND r.tenant_id = ${tenantId}::uuid AND r.month = ${wish.month} AND r.state = 'ready' AND r.approved_at IS NULL
        AND (${wish.reportIds === null} OR r.id = ANY (${[...(wish.reportIds ?? [])]}::uuid[]))
        AND NOT EXISTS (SELECT FROM month_report n WHERE n.tenant_id = r.tenant_id AND n.customer_id = r.customer_id
          AND n.month = r.month AND n.revision > r.revision)
      RETURNING r.id, r.customer_id AS "customerId", c.name AS customer, r.month, r.revision, r.sha256`;
    for (const { sha256, ...report } of rows) {
      await tellCustomer(services, tx, scope, report);
      await audit('report.approved', { kind: 'month_report', id: report.id }, { month: wish.month, sha256 });
    }
    if (rows.length === 0)
      throw new HoldfastError('conflict', 'No report waits for your approval any more. Reload the page to see them.');
    return { approved: rows.length };
  });
}
