/**
 * Everything about a customer's month for an insurer or an auditor, in one archive: the report that was approved, its figures and
 * tables, the signed records, and how to check all of it without us.
 */
import { createHash } from 'node:crypto';
import yazl from 'yazl';
import { isHoldfastError } from '../../core/base/errors.ts';
import type { MonthReport } from '../../core/domain/reports/month-report.ts';
import { monthWords } from '../../core/domain/sla/sla-words.ts';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import { makeBundle } from '../evidence/make-bundle.ts';
import type { Services } from '../services.ts';
import { buildMonthReport } from './build-month-report.ts';
import { MONTH_TABLE_NAMES, monthJson, monthTableCsv } from './month-tables.ts';

interface PackFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/** @throws HoldfastError not_found for a foreign customer as for none. */
export async function makePack(
  services: Services,
  scope: Scope,
  customerId: string,
  month: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const report = await buildMonthReport(services, scope, customerId, month);
  const paper = await loadPaper(services, scope, customerId, month);
  const evidence = await loadEvidence(services, scope, customerId, month);
  const files: PackFile[] = [
    ...(paper === undefined ? [] : [{ name: 'report.pdf', bytes: Buffer.from(paper.bytes) }]),
    ...(evidence === undefined ? [] : [{ name: 'evidence.json', bytes: Buffer.from(evidence) }]),
    { name: 'month.json', bytes: Buffer.from(monthJson(report)) },
    ...MONTH_TABLE_NAMES.map((name) => ({
      name: `tables/${name}.csv`,
      bytes: Buffer.from(`\uFEFF${monthTableCsv(report, name)}`),
    })),
  ];
  const readme = readmeOf(report, {
    hasPaper: paper !== undefined,
    paperSha256: paper?.sha256 ?? null,
    hasEvidence: evidence !== undefined,
  });
  files.unshift({ name: 'README.txt', bytes: Buffer.from(readme) });
  const sums = files.map(({ name, bytes }) => `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`);
  files.push({ name: 'SHA256SUMS', bytes: Buffer.from(sums.join('')) });
  return await zipOf(files, report.issuedMs);
}

/** What the customer has; for staff, before the approval, nothing either: an insurer gets what stands. */
async function loadPaper(services: Services, scope: Scope, customerId: string, month: string) {
  const row = await withScope(services, scope, (tx) =>
    tx.monthReport.findFirst({
      where: { tenantId: scope.tenantId, customerId, month, approvedAt: { not: null } },
      orderBy: { revision: 'desc' },
    }),
  );
  if (row === null || row.objectKey === null || row.sha256 === null) return undefined;
  return { bytes: await services.store.get(row.objectKey), sha256: row.sha256 };
}

async function loadEvidence(
  services: Services,
  scope: Scope,
  customerId: string,
  month: string,
): Promise<string | undefined> {
  try {
    return `${JSON.stringify(await makeBundle(services, scope, { customerId, month }), null, 2)}\n`;
  } catch (error) {
    if (isHoldfastError(error, 'not_found')) return undefined; // a month without a record
    throw error;
  }
}

function readmeOf(
  report: MonthReport,
  has: { readonly hasPaper: boolean; readonly paperSha256: string | null; readonly hasEvidence: boolean },
): string {
  const { customer, brand, month, timeZone, issuedMs, isPreview } = report;
  const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
  return [
    `${oneLine(customer)}, ${monthWords(month)}`,
    `From ${oneLine(brand.name)}. Figures as of ${new Date(issuedMs).toISOString()}; days by the clock of ${timeZone}.`,
    ...(isPreview ? ['THE MONTH IS NOT CLOSED: these figures still change.'] : []),
    '',
    'WHAT IS IN IT',
    has.hasPaper
      ? `  report.pdf      the report as it was approved. Its SHA-256 was written down then: ${has.paperSha256}`
      : '  report.pdf      is missing: no report of this month has been approved.',
    has.hasEvidence
      ? '  evidence.json   the signed records of the restore tests of the month, with all that is needed to check them.'
      : '  evidence.json   is missing: nothing was recorded in this month.',
    '  month.json      everything that the report says, for programs. Times are milliseconds since 1970 (UTC).',
    '  tables/*.csv    the same as tables. A text that a spreadsheet would run as a formula begins with an apostrophe.',
    '  SHA256SUMS      of every file here; check with: sha256sum -c SHA256SUMS',
    '',
    'HOW TO CHECK IT WITHOUT US',
    '  1. sha256sum -c SHA256SUMS says that no file was damaged on its way to you.',
    '  2. holdfast verify-evidence evidence.json checks every signature and the chain of the records without a network. The',
    '     page /verify of the portal does the same in a browser, also when it was saved as a file.',
    '  3. Each restore test of tables/drills.csv names the SHA-256 of its signed record: it is that of the field "text" of',
    '     one of the records in evidence.json. What that record says is what the report may say.',
    '  4. Compare the name of the key with the one that the provider publishes, or with an older archive.',
    '',
    'WHAT IT DOES NOT PROVE',
    '  The shares of time and the counts are computed from the rows of the service; they are not signed one by one.',
    '  What was corrected after the month was closed is in tables/corrections.csv, with what it was before.',
    '',
  ].join('\n');
}

async function zipOf(files: readonly PackFile[], mtimeMs: number): Promise<Uint8Array<ArrayBuffer>> {
  const zip = new yazl.ZipFile();
  for (const { name, bytes } of files) zip.addBuffer(bytes, name, { mtime: new Date(mtimeMs), mode: 0o100644 });
  zip.end();
  const pieces: Buffer[] = [];
  for await (const piece of zip.outputStream) pieces.push(piece as Buffer);
  return Uint8Array.from(Buffer.concat(pieces));
}
