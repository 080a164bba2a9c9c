import { createHash } from 'node:crypto';
import { beginReport, finishReport } from '../../server/reports/draw-report.ts';
import { reportKey } from '../../server/storage/object-store.ts';
import { type JobHandler, throwIfStopped } from '../job-context.ts';
import { monthReportPdf } from './pdf/month-report-pdf.ts';

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Draws a closed month, lays it into the store and writes down its hash. The row is written last: without it nobody has it. */
export const drawReport: JobHandler<'report'> = async ({ services, claim, signal }, { reportId }) => {
  const work = await beginReport(services, claim, reportId);
  if (work === undefined) return;
  const pdf = await monthReportPdf(work.report, work.paper);
  throwIfStopped(signal);
  const sha256 = sha256Of(pdf);
  const objectKey = reportKey(claim.scope.tenantId, work.customerId, work.id, sha256);
  const answer = await services.store.create(objectKey, pdf);
  // An attempt that was killed has left it already; a store that kept half of it is put right.
  if (answer === 'exists' && sha256Of(await services.store.get(objectKey)) !== sha256) {
    await services.store.remove(objectKey);
    await services.store.create(objectKey, pdf);
  }
  await finishReport(services, claim, work, { objectKey, sha256, bytes: pdf.length });
};
