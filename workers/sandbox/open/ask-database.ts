/** What every kind of database is asked, whatever its client: declared statements, rows by table, newest times. */
import type { DatabaseChecks, NewestAnswer, RowCounts } from '../../../core/domain/database-checks.ts';
import type { DrillCheck } from '../../../core/domain/drill-checks.ts';
import { plainOutput } from './programs.ts';

export interface Answer {
  /** Columns of rows; the first of the first is what an invariant compares. */
  readonly rows: readonly (readonly string[])[];
  readonly error: string | null;
}

/** One database that can be asked. */
export interface Asked {
  ask(sql: string): Promise<Answer> | Answer;
  /** `from`: the name as SQL. */
  readonly tables: readonly { readonly name: string; readonly from: string }[];
  newestSql(table: string, column: string): string;
}

/** A database with more is counted in its first ones; names are sorted, so that they are the same next time. */
export const TABLES_MAX = 5000;
const VALUE_CHARS = 1000;

export async function askInvariants(
  database: Asked,
  subject: string,
  title: string,
  { invariants = [] }: DatabaseChecks,
): Promise<DrillCheck[]> {
  const checks: DrillCheck[] = [];
  for (const { name, sql, expect } of invariants) {
    const startedMs = performance.now();
    const { rows, error } = await database.ask(sql);
    const actual = error === null ? plainOutput(rows[0]?.[0] ?? '', VALUE_CHARS) : null;
    const isMet = actual !== null && actual === expect.trim();
    checks.push({
      kind: 'invariant',
      name,
      subject,
      state: isMet ? 'passed' : 'failed',
      expected: expect,
      actual,
      output: isMet
        ? ''
        : error === null
          ? `What must hold in ${title} does not: "${name}" should be ${expect}, and is ${actual === '' ? 'nothing' : actual}.`
          : `"${name}" could not be asked of ${title}: ${plainOutput(error)}`,
      ms: Math.round(performance.now() - startedMs),
    });
  }
  return checks;
}

/** Some hundred in one statement: each locks its table, and a server has room for so many locks. */
const TABLES_AT_ONCE = 200;

/** A table that cannot be counted (one of another server's data, say) costs itself alone. */
export async function countRows(database: Asked): Promise<RowCounts> {
  const tables = database.tables.slice(0, TABLES_MAX);
  const numbered = tables.map(({ from }, at) => `SELECT ${at}, count(*) FROM ${from}`);
  const counts: Record<string, number> = {};
  const keep = ({ rows }: Answer): void => {
    for (const [at = '', count = ''] of rows) {
      const table = tables[Number(at)];
      if (table !== undefined) counts[table.name.slice(0, 300)] = Math.max(0, Number(count)) || 0;
    }
  };
  for (let at = 0; at < numbered.length; at += TABLES_AT_ONCE) {
    const some = numbered.slice(at, at + TABLES_AT_ONCE);
    const all = await database.ask(some.join('\nUNION ALL '));
    if (all.error === null) keep(all);
    else for (const sql of some) keep(await database.ask(sql));
  }
  return counts;
}

export async function askNewest(database: Asked, { newest = [] }: DatabaseChecks): Promise<NewestAnswer[]> {
  const answers: NewestAnswer[] = [];
  for (const { table, column } of newest) {
    const { rows, error } = await database.ask(database.newestSql(table, column));
    const value = rows[0]?.[0] ?? '';
    const newestMs = value === '' ? null : Number(value);
    const isTime = newestMs === null || Number.isFinite(newestMs);
    answers.push({
      table,
      column,
      newestMs: isTime ? newestMs : null,
      error: error === null ? (isTime ? null : 'it holds no time') : plainOutput(error, 1500),
    });
  }
  return answers;
}

/** Every part of a dotted name in the quotes of the database. */
export function quoted(name: string, quote: '"' | '`'): string {
  return name
    .split('.')
    .map((part) => `${quote}${part.replaceAll(quote, quote + quote)}${quote}`)
    .join('.');
}
