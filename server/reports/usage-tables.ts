/** What customers used, as it is billed, for spreadsheets and for the programs that write invoices. */
import { csvLine } from '../../core/base/csv.ts';
import type { CustomerUsage } from '../usage/list-usage.ts';

const HEAD = [
  ...['Customer', 'Customer id', 'Month', 'Closed', 'Protected bytes, highest', 'on', 'Stored bytes, highest', 'on'],
  ...['Stored bytes, mean', 'Devices, highest', 'on', 'Restore tests', 'Days measured'],
];

export function usageCsv(rows: readonly CustomerUsage[]): string {
  return [HEAD, ...rows.map(cellsOf)].map(csvLine).join('');
}

function cellsOf(row: CustomerUsage): (string | number | null)[] {
  return [
    ...[row.customer, row.customerId, row.month, row.frozenMs === null ? 'no' : new Date(row.frozenMs).toISOString()],
    // Digits, and as many as there are: a spreadsheet rounds what it must, we do not.
    ...[row.protectedBytes.toString(), row.protectedOn, row.storedBytes.toString(), row.storedOn],
    ...[row.storedBytesMean.toString(), row.devices, row.devicesOn, row.drills, row.daysMeasured],
  ];
}

/** Bytes are numbers as long as every program reads them exactly: up to 9 PB. Beyond, they are texts of digits. */
export function usageJson(rows: readonly CustomerUsage[]): string {
  const bytes = (value: bigint): number | string =>
    value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
  const customers = rows.map((row) => ({
    ...row,
    protectedBytes: bytes(row.protectedBytes),
    storedBytes: bytes(row.storedBytes),
    storedBytesMean: bytes(row.storedBytesMean),
  }));
  return `${JSON.stringify({ format: 'holdfast-usage', version: 1, customers }, null, 2)}\n`;
}
