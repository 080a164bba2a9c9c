/** What would be billed beside what was, for spreadsheets and for whoever compares it with the agreements of a service desk. */
import { csvLine } from '../../core/base/csv.ts';
import { BILLED_WORDS, type BillingPreview } from '../../core/domain/billing-preview.ts';

const HEAD = [
  ...['Customer', 'Customer id', 'What', 'Unit', 'Closed month', 'Billed then', 'Proposed month', 'Proposed', 'Change'],
  ...['Why', 'To look at'],
];

/** A line for each customer and measure. Bytes are not rounded. */
export function billingCsv(previews: readonly BillingPreview[]): string {
  const rows = previews.flatMap(({ customer, customerId, currentMonth, proposedMonth, lines, exceptions }) =>
    lines.map(({ measure, current, proposed, change, why }) => [
      ...[customer, customerId, BILLED_WORDS[measure].name, BILLED_WORDS[measure].unit, currentMonth],
      ...[current === null ? null : amount(current), proposedMonth, amount(proposed), amount(change), why.join('; ')],
      exceptions.map(({ text }) => text).join(' '),
    ]),
  );
  return [HEAD, ...rows].map(csvLine).join('');
}

/** Numbers as long as every program reads them exactly: up to 9 PB. Beyond, texts of digits. */
function amount(value: bigint): number | string {
  const max = BigInt(Number.MAX_SAFE_INTEGER);
  return value <= max && value >= -max ? Number(value) : value.toString();
}

export function billingJson(previews: readonly BillingPreview[]): string {
  const customers = previews.map(({ customerId, customer, currentMonth, proposedMonth, lines, exceptions }) => ({
    ...{ customerId, customer, currentMonth, proposedMonth },
    lines: lines.map(({ measure, current, proposed, change, why }) => ({
      ...{ measure, unit: BILLED_WORDS[measure].unit, current: current === null ? null : amount(current) },
      ...{ proposed: amount(proposed), change: amount(change), why },
    })),
    exceptions,
  }));
  return `${JSON.stringify({ format: 'holdfast-billing-preview', version: 1, customers }, null, 2)}\n`;
}
