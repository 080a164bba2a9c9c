/** SQLite opens the copy of a database file. The library runs in the child itself; nothing is loaded into it. */
import { DatabaseSync } from 'node:sqlite';
import type { NewestAnswer, RowCounts } from '../../../core/domain/database-checks.ts';
import type { DrillCheck } from '../../../core/domain/drill-checks.ts';
import type { OpenResult, OpenSqliteTask } from '../messages.ts';
import { quoted, TABLES_MAX } from './ask-database.ts';
import type { PhaseClock } from './phase-clock.ts';
import { plainOutput } from './programs.ts';

const FINDINGS_MAX = 50;

export function openSqlite(task: OpenSqliteTask, clock: PhaseClock): OpenResult {
  clock.begin('rebuild');
  const checks: DrillCheck[] = [];
  const check = (kind: 'restore' | 'structure', name: string, found: readonly string[], sentence: string): boolean => {
    const state = found.length === 0 ? 'passed' : 'failed';
    const output = state === 'passed' ? '' : plainOutput(`${sentence}\n${found.join('\n')}`);
    checks.push({ kind, name, subject: task.subject, state, expected: null, actual: null, output, ms: 0 });
    return state === 'passed';
  };
  const nothing = (): OpenResult => ({ checks, rows: null, newest: [], timings: clock.timings() });
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(task.dump, { readOnly: true, allowExtension: false });
    database.exec('PRAGMA trusted_schema = OFF');
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
  } catch (error) {
    check(
      'restore',
      `SQLite opens ${task.title}`,
      [message(error)],
      `SQLite could not open the copy of ${task.title}:`,
    );
    return nothing();
  }
  check('restore', `SQLite opens ${task.title}`, [], '');
  clock.begin('checks');
  const findings = (sql: string): string[] => {
    try {
      return database
        .prepare(sql)
        .all()
        .slice(0, FINDINGS_MAX)
        .map((row) => Object.values(row).join(' '));
    } catch (error) {
      return [message(error)];
    }
  };
  const broken = findings(`PRAGMA integrity_check(${FINDINGS_MAX})`).filter((line) => line !== 'ok');
  const isSound = check(
    'structure',
    `integrity_check of ${task.title}`,
    broken,
    `SQLite's own check found damage in ${task.title}:`,
  );
  check(
    'structure',
    `foreign_key_check of ${task.title}`,
    findings('PRAGMA foreign_key_check'),
    `Rows of ${task.title} point at rows that are not there:`,
  );
  if (!isSound) return nothing();
  for (const invariant of task.checks.invariants ?? []) checks.push(askInvariant(database, task, invariant));
  return { checks, rows: countTables(database), newest: askTimes(database, task), timings: clock.timings() };
}

function askInvariant(
  database: DatabaseSync,
  { subject, title }: OpenSqliteTask,
  { name, sql, expect }: { readonly name: string; readonly sql: string; readonly expect: string },
): DrillCheck {
  const startedMs = performance.now();
  let actual: string | null = null;
  let output = '';
  try {
    const row = database.prepare(sql).get();
    actual = plainOutput(String((row === undefined ? [] : Object.values(row))[0] ?? ''), 1000);
    if (actual !== expect.trim())
      output = `What must hold in ${title} does not: "${name}" should be ${expect}, and is ${actual === '' ? 'nothing' : actual}.`;
  } catch (error) {
    output = `"${name}" could not be asked of ${title}: ${plainOutput(message(error))}`;
  }
  const ms = Math.round(performance.now() - startedMs);
  return {
    kind: 'invariant',
    name,
    subject,
    state: output === '' ? 'passed' : 'failed',
    expected: expect,
    actual,
    output,
    ms,
  };
}

function countTables(database: DatabaseSync): RowCounts {
  const tables = database
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .all();
  const counts: Record<string, number> = {};
  for (const { name } of tables.slice(0, TABLES_MAX)) {
    try {
      const row = database.prepare(`SELECT count(*) AS n FROM "${String(name).replaceAll('"', '""')}"`).get();
      counts[String(name).slice(0, 300)] = Number(row?.['n'] ?? 0);
    } catch {
      // A virtual table whose module is not here has its rows in tables of its own.
    }
  }
  return counts;
}

/** Texts as SQLite reads times, and numbers: seconds since the epoch, or milliseconds where they are too large for that. */
function askTimes(database: DatabaseSync, { checks }: OpenSqliteTask): NewestAnswer[] {
  return (checks.newest ?? []).map(({ table, column }) => {
    try {
      const row = database.prepare(`SELECT max(${quoted(column, '"')}) AS newest FROM ${quoted(table, '"')}`).get();
      const value = row?.['newest'] ?? null;
      if (value === null) return { table, column, newestMs: null, error: null };
      const newestMs =
        typeof value === 'number' ? (value > 1e11 ? value : value * 1000) : timeOf(database, String(value));
      return { table, column, newestMs, error: newestMs === null ? 'it holds no time' : null };
    } catch (error) {
      return { table, column, newestMs: null, error: plainOutput(message(error), 1500) };
    }
  });
}

function timeOf(database: DatabaseSync, text: string): number | null {
  const row = database.prepare("SELECT unixepoch(?, 'subsec') AS seconds").get(text);
  const seconds = row?.['seconds'] ?? null;
  return seconds === null ? null : Math.round(Number(seconds) * 1000);
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
