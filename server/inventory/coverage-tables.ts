/** What of a customer's machines is protected and what is not, for spreadsheets and programs. */
import { csvLine } from '../../core/base/csv.ts';
import type { CoverageView, DeviceCoverageLine } from './view-coverage.ts';

const HEAD = ['Device', 'Told', 'What', 'Name', 'State', 'Used bytes', 'Size in bytes', 'Source', 'Device id'];

/** A line for each volume and each database server, and one for each machine of which nothing is known. */
export function coverageCsv({ devices }: CoverageView): string {
  return [HEAD, ...devices.flatMap(linesOf)].map(csvLine).join('');
}

function linesOf({ deviceId, deviceName, receivedMs, volumes, databases }: DeviceCoverageLine) {
  const told = receivedMs === null ? null : new Date(receivedMs).toISOString();
  const rows: (string | number | null)[][] = [
    ...(volumes ?? []).map((one) => ['volume', one.mountPoint, one.state, one.usedBytes, one.sizeBytes, null]),
    ...(databases ?? []).map((one) => ['database', one.name, one.state, null, null, one.label]),
    ...(volumes === null ? [['volume', null, 'not measured', null, null, null]] : []),
    ...(databases === null ? [['database', null, 'not measured', null, null, null]] : []),
  ];
  return rows.map((row) => [deviceName, told, ...row, deviceId]);
}

/** All of it; numbers are numbers, times are milliseconds since the epoch, null is "not measured". */
export function coverageJson({ customer, nowMs, figures, devices, exclusions }: CoverageView): string {
  const said = { format: 'holdfast-coverage', version: 1, atMs: nowMs, customer: customer.name };
  return `${JSON.stringify({ ...said, figures, devices, exclusions }, null, 2)}\n`;
}
