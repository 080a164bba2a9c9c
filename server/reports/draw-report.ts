/** What a worker needs to draw a report, and what it leaves. */
import type { MonthReport } from '../../core/domain/reports/month-report.ts';
import type { Scope } from '../access/scope.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { buildMonthReport } from './build-month-report.ts';
import { loadBrand } from './load-brand.ts';

export interface ReportWork {
  readonly id: string;
  readonly customerId: string;
  readonly month: string;
  readonly report: MonthReport;
  readonly paper: 'A4' | 'LETTER';
}

/** Undefined: it is drawn already. */
export async function beginReport(services: Services, claim: Claim, reportId: string): Promise<ReportWork | undefined> {
  const { scope } = claim;
  const { tenantId } = scope;
  const found = await withScope(services, scope, async (tx) => {
    await claim.guard(tx);
    const row = await tx.monthReport.findUnique({ where: { tenantId_id: { tenantId, id: reportId } } });
    if (row === null || row.state === 'ready') return undefined;
    const { customerId, month } = row;
    return { customerId, month, paper: (await loadBrand(tx, { tenantId, customerId })).paper };
  });
  if (found === undefined) return undefined;
  const report = await buildMonthReport(services, scope, found.customerId, found.month);
  return { id: reportId, ...found, report };
}

export async function finishReport(
  services: Services,
  claim: Claim,
  work: ReportWork,
  drawn: { readonly objectKey: string; readonly sha256: string; readonly bytes: number },
): Promise<void> {
  const { scope } = claim;
  const { tenantId } = scope;
  await withScope(services, scope, async (tx) => {
    await claim.guard(tx);
    const { count } = await tx.monthReport.updateMany({
      where: { tenantId, id: work.id, state: { not: 'ready' } },
      data: {
        state: 'ready',
        saysAt: new Date(work.report.issuedMs),
        ...drawn,
        drawnAt: new Date(services.clock.nowMs()),
        errorMessage: null,
      },
    });
    if (count === 0) return;
    const { customerId, month } = work;
    await appendAudit(
      tx,
      { ...scope, customerId },
      'report.drawn',
      { kind: 'month_report', id: work.id },
      { month, sha256: drawn.sha256 },
    );
  });
}

/** It could not be drawn; the message says why. Repeatable; a later attempt may still draw it. */
export async function failReport(services: Services, scope: Scope, reportId: string, message: string): Promise<void> {
  await withScope(services, scope, (tx) =>
    tx.monthReport.updateMany({
      where: { tenantId: scope.tenantId, id: reportId, state: 'queued' },
      data: { state: 'failed', errorMessage: message },
    }),
  );
}
