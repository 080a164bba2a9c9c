import type { Interval } from '../../core/domain/sla/intervals.ts';
import type { DatabaseDrill } from '../../core/domain/sla/semantic-rpo.ts';
import type { Tx } from '../db/client.ts';

/**
 * Restore tests that ended in `span` and had a database open its dump: what metric 11 is computed from. One that failed because the
 * data was too old is among them; void ones are not, nor those with the recovery kit.
 */
export async function loadDatabaseDrills(
  tx: Tx,
  { tenantId, customerId }: { readonly tenantId: string; readonly customerId: string },
  { startMs, endMs }: Interval,
): Promise<DatabaseDrill[]> {
  return await tx.$queryRaw<DatabaseDrill[]>`
    SELECT d.id, epoch_ms(d.finished_at) AS "finishedMs", epoch_ms(p.capture_at) AS "captureMs",
      epoch_ms(d.newest_business_at) AS "newestMs"
    FROM drill d JOIN restore_point p ON p.tenant_id = d.tenant_id AND p.id = d.restore_point_id
    WHERE d.tenant_id = ${tenantId}::uuid AND d.customer_id = ${customerId}::uuid AND d.state IN ('passed', 'failed')
      AND d.runner <> 'kit' AND d.finished_at >= ${new Date(startMs)} AND d.finished_at < ${new Date(endMs)}
      AND (d.newest_business_at IS NOT NULL OR d.checks @> '[{"kind": "row_count"}]')
    ORDER BY d.finished_at, d.id`;
}
