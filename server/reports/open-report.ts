import { HoldfastError } from '../../core/base/errors.ts';
import { requireRole, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import { downloadFileName } from '../downloads/download-file-name.ts';
import type { Services } from '../services.ts';

/** Long enough for a redirect to be followed. */
const URL_LASTS_MS = 60_000;

/**
 * A URL that fetches a report for a minute. A customer's user gets what was approved, and nothing that waits for it.
 * @throws HoldfastError not_found, for a foreign report as for one that never was or is not drawn.
 */
export async function openReport(services: Services, scope: Scope, reportId: string): Promise<{ url: string }> {
  requireRole(scope, 'owner', 'technician', 'customer_viewer');
  const found = await applyChange(services, scope, async ({ tx, audit }) => {
    const row = await tx.monthReport.findFirst({
      where: {
        tenantId: scope.tenantId,
        id: reportId,
        state: 'ready',
        ...(scope.customerId === null ? {} : { customerId: scope.customerId, approvedAt: { not: null } }),
      },
      include: { customer: { select: { name: true } } },
    });
    if (row === null || row.objectKey === null) throw new HoldfastError('not_found', 'There is no such report.');
    await audit('report.opened', { kind: 'month_report', id: reportId }, { month: row.month, revision: row.revision });
    const name = row.customer.name.replaceAll('/', '_');
    return { key: row.objectKey, filename: downloadFileName(`${row.month} service report ${name}.pdf`, 'file') };
  });
  const { url } = await services.store.signDownload(found.key, {
    expiresMs: services.clock.nowMs() + URL_LASTS_MS,
    filename: found.filename,
  });
  return { url };
}
