/** A month's report as tables, for spreadsheets and programs: every one that the paper shows, and those rows that it leaves out. */
import { csvLine } from '../../core/base/csv.ts';
import type { MonthReport } from '../../core/domain/reports/month-report.ts';

type Cell = string | number | null;

interface MonthTable {
  readonly head: readonly string[];
  readonly rows: (report: MonthReport) => readonly (readonly Cell[])[];
}

const time = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString());
const seconds = (ms: number | null): number | null => (ms === null ? null : Math.round(ms / 1000));
/** Seconds to a tenth: a small download takes less than one. */
const tenths = (atMs: number | null, fromMs: number): number | null =>
  atMs === null ? null : Math.round(Math.max(0, atMs - fromMs) / 100) / 10;
const yes = (value: boolean | null): string | null => (value === null ? null : value ? 'yes' : 'no');

export const MONTH_TABLES = {
  figures: {
    head: ['Figure', 'Value', 'From', 'Target', 'Reached'],
    rows: ({ figures }) => figures.map(({ title, value, base, target, met }) => [title, value, base, target, yes(met)]),
  },
  days: {
    head: ['Day', 'State', 'Oldest data (s)', 'Restore tests passed', 'Restore tests failed'],
    rows: ({ days }) =>
      days.map(({ day, state, worstAgeMs, drillsPassed, drillsFailed }) => [
        ...[day, state, seconds(worstAgeMs), drillsPassed, drillsFailed],
      ]),
  },
  tiers: {
    head: [
      ...['Tier', 'Systems', 'Data at most (s)', 'Share of time reached', 'Share of time agreed', 'Backups succeeded'],
      ...[
        'Backups agreed',
        'Backups expected',
        'Systems tested in time',
        'Level agreed',
        'Systems below',
        'Credit (%)',
      ],
    ],
    rows: ({ tiers }) =>
      tiers.map((tier) => [
        ...[tier.name, tier.sources, seconds(tier.rpoMs), tier.rpoShare, tier.rpoTarget, tier.successShare],
        ...[tier.successTarget, tier.expected, tier.drilled, tier.drillLevel, tier.belowTarget, tier.creditPercent],
      ]),
  },
  breaches: {
    head: ['System', 'From', 'Until', 'Still open', 'Oldest data (s)', 'Cause', 'What was done'],
    rows: ({ breaches }) =>
      breaches.map(({ system, startMs, endMs, isOpen, worstAgeMs, cause, remedy }) => [
        ...[system, time(startMs), time(endMs), yes(isOpen), seconds(worstAgeMs), cause, remedy],
      ]),
  },
  drills: {
    head: [
      ...['System', 'Ended', 'Level', 'Result', 'Restore took (s)', 'Restore time is', 'Restore target (s)'],
      ...['Newest entry before the backup (s)', 'What was seen', 'Hash of the signed record', 'Id'],
    ],
    rows: ({ drills }) =>
      drills.map((drill) => [
        ...[drill.system, time(drill.endedMs), drill.level, drill.result, seconds(drill.rtoMs)],
        ...[drill.rtoMs === null ? null : drill.isEstimated ? 'estimated' : 'measured', seconds(drill.rtoTargetMs)],
        ...[seconds(drill.behindMs), drill.note, drill.evidenceHash, drill.id],
      ]),
  },
  restores: {
    head: [
      ...['Device', 'Asked for', 'By', 'How', 'First byte after (s)', 'Ended', 'Ended after (s)', 'Result'],
      ...['Bytes', 'Why', 'Id'],
    ],
    rows: ({ restores }) =>
      restores.rows.map((row) => [
        ...[row.device, time(row.askedMs), row.asker, row.way, tenths(row.firstByteMs, row.askedMs)],
        ...[time(row.endedMs), tenths(row.endedMs, row.askedMs), row.state, row.bytes, row.reason, row.id],
      ]),
  },
  systems: {
    head: [
      ...['Device', 'Source', 'Tier', 'Share of time young enough', 'Oldest data (s)', 'Restore points'],
      ...['Protected bytes', 'Proven level', 'Proven'],
    ],
    rows: ({ systems }) =>
      systems.map((system) => [
        ...[system.device, system.source, system.tier, system.rpoShare, seconds(system.worstAgeMs)],
        ...[system.restorePoints, system.protectedBytes, system.provenLevel, time(system.provenMs)],
      ]),
  },
  excuses: {
    head: ['System', 'From', 'Until', 'Reason', 'Approved by'],
    rows: ({ excuses }) =>
      excuses.map(({ system, startMs, endMs, reason, approvedBy }) => [
        ...[system, time(startMs), time(endMs), reason, approvedBy],
      ]),
  },
  corrections: {
    head: ['When', 'Figure', 'Was', 'Is', 'Cause'],
    rows: ({ amendments }) =>
      amendments.map(({ atMs, figure, before, after, cause }) => [time(atMs), figure, before, after, cause]),
  },
  storage: {
    head: ['Month', 'Stored bytes', 'Protected bytes'],
    rows: ({ storage }) =>
      storage.map(({ month, storedBytes, protectedBytes }) => [month, storedBytes, protectedBytes]),
  },
} as const satisfies Readonly<Record<string, MonthTable>>;
export type MonthTableName = keyof typeof MONTH_TABLES;
export const MONTH_TABLE_NAMES = Object.keys(MONTH_TABLES) as readonly MonthTableName[];

export function monthTableCsv(report: MonthReport, name: MonthTableName): string {
  const table: MonthTable = MONTH_TABLES[name];
  return [table.head, ...table.rows(report)].map(csvLine).join('');
}

/** All of it; numbers are numbers, times are milliseconds since the epoch. The picture of the provider is left out. */
export function monthJson({ brand: { logo: _, ...brand }, ...report }: MonthReport): string {
  return `${JSON.stringify({ format: 'holdfast-month-report', version: 1, ...report, brand }, null, 2)}\n`;
}
