/** The list as CSV: all devices that the filter lets through, with the columns that are shown. Staff only. */
import { csvLine } from '../../core/base/csv.ts';
import { isOwnName, ownKey, type OwnName } from '../../core/domain/fleet-filter/own-fields.ts';
import type { AnyColumn, FleetColumn } from '../../core/domain/fleet-filter/columns.ts';
import type { FleetFilter } from '../../core/domain/fleet-filter/filter.ts';
import type { Scope } from '../access/scope.ts';
import type { Services } from '../services.ts';
import { listFleet, PAGE_ROWS_MAX } from './list-fleet.ts';
import { listOwnFields } from './own-fields.ts';
import type { FleetRow, OwnField } from './view.ts';

type Cell = string | number | null;

interface CsvColumn {
  readonly headers: readonly string[];
  readonly cells: (row: FleetRow, nowMs: number) => readonly Cell[];
}

const hours = (spanMs: number | null): number | null => (spanMs === null ? null : Math.floor(spanMs / 36_000) / 100);
const time = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString());
const since = (atMs: number | null, nowMs: number): number | null => (atMs === null ? null : hours(nowMs - atMs));

const COLUMNS: Readonly<Record<FleetColumn, CsvColumn>> = {
  status: {
    headers: ['Status', 'Why'],
    cells: ({ protection }) => [protection.state, protection.reason],
  },
  customer: { headers: ['Customer'], cells: ({ customerName }) => [customerName] },
  rpo: {
    headers: ['Data from', 'Data age (h)', 'Target (h)'],
    cells: ({ dataAtMs, rpoMs }, nowMs) => [time(dataAtMs), since(dataAtMs, nowMs), hours(rpoMs)],
  },
  proof: {
    headers: ['Last proof', 'Proof age (h)'],
    cells: ({ proofAtMs }, nowMs) => [time(proofAtMs), since(proofAtMs, nowMs)],
  },
  level: { headers: ['Level'], cells: ({ level }) => [level] },
  rto: {
    headers: ['Restore took (s)', 'Restore time is'],
    cells: ({ rtoMs, isRtoEstimated }) =>
      rtoMs === null ? [null, null] : [Math.round(rtoMs / 1000), isRtoEstimated ? 'estimated' : 'measured'],
  },
  last: {
    headers: ['Last expected backup', 'Last backup began', 'Last backup ended', 'Last backup state'],
    cells: ({ lastOutcome, lastRun }) => [
      lastOutcome,
      time(lastRun?.startedMs ?? null),
      time(lastRun?.finishedMs ?? null),
      lastRun?.state ?? null,
    ],
  },
  history: {
    headers: ['Expected in 28 days', 'On time', 'Late', 'Partial', 'Failed', 'Missed', 'Stuck', 'Excused'],
    cells: ({ bar }) => {
      const count = (outcome: string): number => bar.cells.filter(([, , one]) => one === outcome).length;
      const expected = bar.cells.filter(([, , one]) => one !== 'extra' && one !== 'open').length;
      return [expected, ...['ok', 'late', 'partial', 'failed', 'missed', 'stuck', 'excused'].map(count)];
    },
  },
  next: { headers: ['Next expected'], cells: ({ nextDueMs }) => [time(nextDueMs)] },
  alert: { headers: ['Open alerts', 'Oldest alert'], cells: ({ openAlerts, alertTitle }) => [openAlerts, alertTitle] },
  owner: { headers: ['Owner'], cells: ({ owners }) => [owners.join(', ')] },
  size: { headers: ['Protected bytes'], cells: ({ sizeBytes }) => [sizeBytes] },
  added: { headers: ['Stored by the last backup (bytes)'], cells: ({ addedBytes }) => [addedBytes] },
  policy: { headers: ['Policy'], cells: ({ policyName }) => [policyName] },
  note: { headers: ['Note'], cells: ({ note }) => [note] },
  tags: { headers: ['Tags'], cells: ({ tags }) => [tags.join(' ')] },
  agent: { headers: ['Agent'], cells: ({ agentVersion }) => [agentVersion] },
  os: { headers: ['System'], cells: ({ os }) => [os] },
  seen: { headers: ['Last seen'], cells: ({ lastSeenMs }) => [time(lastSeenMs)] },
};

/** None for one that was removed since the address was written. */
function ownColumn(name: OwnName, fields: readonly OwnField[]): CsvColumn[] {
  const field = fields.find(({ key }) => key === ownKey(name));
  return field === undefined ? [] : [{ headers: [field.label], cells: ({ own }) => [own[field.key] ?? null] }];
}

/** Line by line; a fleet of thousands is never held at once. */
export async function* exportFleet(
  services: Services,
  scope: Scope,
  wish: { readonly filter: FleetFilter; readonly columns: readonly AnyColumn[] },
): AsyncGenerator<string> {
  // The customer is in every export: outside of the list, a device's name alone says nothing.
  const own = wish.columns.some(isOwnName) ? await listOwnFields(services, scope) : [];
  const wanted = (wish.columns.includes('customer') ? wish.columns : (['customer', ...wish.columns] as const)).flatMap(
    (column) => (isOwnName(column) ? ownColumn(column, own) : COLUMNS[column]),
  );
  const withBars = wish.columns.includes('history');
  let after: string | null = null;
  let isFirst = true;
  do {
    const page = await listFleet(services, scope, { filter: wish.filter, after, rows: PAGE_ROWS_MAX, withBars });
    if (isFirst) yield csvLine(['Device', 'Host name', ...wanted.flatMap(({ headers }) => headers)]);
    isFirst = false;
    for (const row of page.rows)
      yield csvLine([row.name, row.hostname, ...wanted.flatMap(({ cells }) => cells(row, page.nowMs))]);
    after = page.next;
  } while (after !== null);
}
