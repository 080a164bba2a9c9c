/** What a restored database is asked, declared by its owner, and what the answers mean. Pure. */
import { z } from 'zod';
import type { DrillCheck } from './drill-checks.ts';

const name = z.string().min(1).max(256);
/** The database, or the file of a SQLite source, that is asked; every one of the source when it is left out. */
const database = name.optional();

export const databaseChecks = z.strictObject({
  /** Statements whose first value must be this text, such as 0 orders without a customer. */
  invariants: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(150),
        sql: z.string().min(1).max(10_000),
        expect: z.string().max(1000),
        database,
      }),
    )
    .max(100)
    .optional(),
  /** Where the newest timestamp of the business stands: how old the data is that a restore brings back. */
  newest: z
    .array(
      z.strictObject({
        table: name,
        column: name,
        maxAgeMinutes: z
          .int()
          .min(1)
          .max(3660 * 24 * 60)
          .optional(),
        /** fail unless told. */
        onOld: z.enum(['warn', 'fail']).optional(),
        database,
      }),
    )
    .max(50)
    .optional(),
  /** Of the rows that the last passed drill counted, so many may be gone; half unless told. 1: all may. */
  rowDropShareMax: z.number().min(0).max(1).optional(),
  /** Tables that are emptied in the ordinary course, such as queues and sessions. */
  rowCountsExcept: z.array(name).max(200).optional(),
  /** A database without a row is a failure unless this is true. */
  mayBeEmpty: z.boolean().optional(),
});
export type DatabaseChecks = z.infer<typeof databaseChecks>;

export const ROW_DROP_SHARE_MAX = 0.5;
/** A table of fewer rows may lose them all without a word: settings and small lists change. */
const ROWS_JUDGED_MIN = 100;

/** Those that are meant for one database of the source. */
export function checksFor(checks: DatabaseChecks | undefined, databaseName: string | null): DatabaseChecks {
  if (checks === undefined) return {};
  const isMeant = (one: { readonly database?: string | undefined }): boolean =>
    one.database === undefined || one.database === databaseName;
  return {
    ...checks,
    ...(checks.invariants === undefined ? {} : { invariants: checks.invariants.filter(isMeant) }),
    ...(checks.newest === undefined ? {} : { newest: checks.newest.filter(isMeant) }),
  };
}

/** Rows by table. */
export type RowCounts = Readonly<Record<string, number>>;

/**
 * The counts beside those of the last passed drill. Tables of at least a hundred rows are judged one by one, and all of them
 * together. `title`: the database in words.
 */
export function judgeRowCounts(
  title: string,
  subject: string,
  now: RowCounts,
  before: RowCounts | undefined,
  checks: DatabaseChecks,
): DrillCheck {
  const total = sum(now);
  const counted = { kind: 'row_count', name: `The rows of ${title}`, subject, ms: 0 } as const;
  const actual = `${total.toLocaleString('en')} rows in ${Object.keys(now).length} tables`;
  if (total === 0 && checks.mayBeEmpty !== true)
    return {
      ...counted,
      state: 'failed',
      expected: 'at least one row',
      actual,
      output:
        Object.keys(now).length === 0
          ? `The dump of ${title} holds no table at all: the database was empty when it was dumped, or it was not the right one.`
          : `The dump of ${title} holds tables and not one row: the database was empty when it was dumped.`,
    };
  if (before === undefined)
    return {
      ...counted,
      state: 'passed',
      expected: null,
      actual,
      output: 'Counted for the first time: the next restore test compares with it.',
    };
  const shareMax = checks.rowDropShareMax ?? ROW_DROP_SHARE_MAX;
  const except = new Set(checks.rowCountsExcept ?? []);
  const judged = Object.entries(before).filter(([table]) => !except.has(table));
  const drops = judged
    .map(([table, rows]) => ({ table, rows, left: now[table] ?? 0 }))
    .filter(({ rows, left }) => rows >= ROWS_JUDGED_MIN && isDrop(rows, left, shareMax));
  const totals = {
    rows: judged.reduce((all, [, rows]) => all + rows, 0),
    left: judged.reduce((all, [table]) => all + (now[table] ?? 0), 0),
  };
  const isTotalDrop = totals.rows >= ROWS_JUDGED_MIN && isDrop(totals.rows, totals.left, shareMax);
  const expected = `at least ${Math.round((1 - shareMax) * 100)} % of the ${sum(before).toLocaleString('en')} rows of the last passed restore test`;
  if (drops.length === 0 && !isTotalDrop) return { ...counted, state: 'passed', expected, actual, output: '' };
  const lines = drops.map(
    ({ table, rows, left }) => `${table}: ${left.toLocaleString('en')} of ${rows.toLocaleString('en')} rows are left.`,
  );
  return {
    ...counted,
    state: 'failed',
    expected,
    actual,
    output: cut(
      [
        `${title.slice(0, 1).toUpperCase()}${title.slice(1)} has lost rows since the last passed restore test: ${totals.left.toLocaleString('en')} of ${totals.rows.toLocaleString('en')} are left.`,
        ...lines,
      ].join('\n'),
    ),
  };
}

function isDrop(rows: number, left: number, shareMax: number): boolean {
  return (rows - left) / rows > shareMax;
}

function sum(counts: RowCounts): number {
  return Object.values(counts).reduce((all, rows) => all + rows, 0);
}

export interface NewestAnswer {
  readonly table: string;
  readonly column: string;
  /** Null when there is no row with a time. */
  readonly newestMs: number | null;
  /** Why it could not be asked. */
  readonly error: string | null;
}

/** How old the newest data of the business was when the backup was taken. */
export function judgeNewest(
  title: string,
  subject: string,
  wish: NonNullable<DatabaseChecks['newest']>[number],
  answer: NewestAnswer | undefined,
  captureMs: number,
): DrillCheck {
  const { table, column, maxAgeMinutes, onOld = 'fail' } = wish;
  const check = {
    kind: 'freshness',
    name: `The newest ${column} of ${table} in ${title}`.slice(0, 200),
    subject,
    ms: 0,
    expected: maxAgeMinutes === undefined ? null : `not older than ${words(maxAgeMinutes)} when it was backed up`,
  } as const;
  if (answer === undefined || answer.error !== null)
    return {
      ...check,
      state: 'failed',
      actual: null,
      output: cut(`${table}.${column} could not be asked: ${answer?.error ?? 'there was no answer'}`),
    };
  const { newestMs } = answer;
  if (newestMs === null)
    return { ...check, state: 'failed', actual: null, output: `${table} holds no row with a ${column}.` };
  const ageMinutes = Math.round((captureMs - newestMs) / 60_000);
  const actual = `${new Date(newestMs).toISOString()}, ${words(Math.max(0, ageMinutes))} before the backup`;
  if (maxAgeMinutes === undefined || ageMinutes <= maxAgeMinutes)
    return { ...check, state: 'passed', actual, output: '' };
  return {
    ...check,
    state: onOld === 'warn' ? 'warning' : 'failed',
    actual,
    output: `The newest ${column} of ${table} was ${words(ageMinutes)} old when ${title} was backed up, and ${words(maxAgeMinutes)} are allowed: what was dumped is a stale copy, or nobody has written to it.`,
  };
}

function words(minutes: number): string {
  if (minutes < 120) return `${minutes} minutes`;
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)} hours`;
  return `${Math.round(minutes / 60 / 24)} days`;
}

const OUTPUT_CHARS = 4000;
function cut(text: string): string {
  return text.length > OUTPUT_CHARS ? `${text.slice(0, OUTPUT_CHARS)} …` : text;
}
