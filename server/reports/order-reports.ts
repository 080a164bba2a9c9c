import { newId } from '../../core/base/ids.ts';
import type { Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/** A provider that begins to use reports gets those of the months that people still ask about. */
const DAYS_BACK = 100;
/** By one call, and in one transaction; what is left is ordered by the next call. */
const REPORTS_MAX = 2000;
const BATCH = 100;

interface Owed {
  readonly customerId: string;
  readonly month: string;
  readonly saysAt: Date;
  readonly revision: number;
}

/**
 * Orders a report of every month that was closed, and another revision of every one that was corrected since. While one waits
 * to be drawn nothing is ordered: it will say what the month says by then. @returns how many.
 */
export async function orderReports(services: Services, scope: Scope): Promise<number> {
  const owed = await withScope(services, scope, (tx) => selectOwed(tx, scope.tenantId, services.clock.nowMs()));
  for (let at = 0; at < owed.length; at += BATCH) await orderSome(services, scope, owed.slice(at, at + BATCH));
  return owed.length;
}

async function selectOwed(tx: Tx, tenantId: string, nowMs: number): Promise<Owed[]> {
  return await tx.$queryRaw<Owed[]>`
    SELECT m.customer_id AS "customerId", m.month, s.at AS "saysAt", coalesce(r.revision, 0) + 1 AS revision
    FROM customer_month m
    CROSS JOIN LATERAL (SELECT greatest(m.frozen_at, max(a.at)) AS at FROM sla_amendment a
      WHERE a.tenant_id = m.tenant_id AND a.customer_id = m.customer_id AND a.month = m.month) s
    LEFT JOIN LATERAL (SELECT x.revision, x.says_at, x.state FROM month_report x WHERE x.tenant_id = m.tenant_id
      AND x.customer_id = m.customer_id AND x.month = m.month ORDER BY x.revision DESC LIMIT 1) r ON true
    WHERE m.tenant_id = ${tenantId}::uuid AND m.frozen_at > ${new Date(nowMs - DAYS_BACK * 24 * 3_600_000)} AND m.sources > 0
      AND (r.revision IS NULL OR (r.state <> 'queued' AND r.says_at < s.at))
    ORDER BY m.month, m.customer_id LIMIT ${REPORTS_MAX}`;
}

async function orderSome(services: Services, scope: Scope, owed: readonly Owed[]): Promise<void> {
  const { tenantId } = scope;
  const createdAt = new Date(services.clock.nowMs());
  await applyChange(services, scope, async ({ tx, audit, enqueue }) => {
    for (const one of owed) {
      const id = newId(services.clock);
      // Another worker may have ordered the same revision meanwhile.
      const { count } = await tx.monthReport.createMany({
        data: { tenantId, id, ...one, state: 'queued', createdAt },
        skipDuplicates: true,
      });
      if (count === 1)
        await enqueue('report', { reportId: id }, { dedupeKey: id, customerId: one.customerId, priority: 40 });
    }
    const months = [...new Set(owed.map(({ month }) => month))];
    await audit('report.ordered', { kind: 'month_report', id: null }, { months, reports: owed.length });
  });
}
