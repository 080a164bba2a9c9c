/**
 * PostgreSQL opens the dump: a throw-away server on a socket of the scratch folder, with settings that would be wrong for
 * anything that is kept, loads roles and dump as a restore would, checks its own structures, and answers questions.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { DrillCheck } from '../../../core/domain/drill-checks.ts';
import type { OpenPostgresTask, OpenResult } from '../messages.ts';
import { type Answer, type Asked, askInvariants, askNewest, countRows, quoted, TABLES_MAX } from './ask-database.ts';
import type { PhaseClock } from './phase-clock.ts';
import { POSTGRES_SETTINGS } from './postgres-settings.ts';
import { notSetUp, plainOutput, runProgram, Server } from './programs.ts';

/** No account of a customer is called so: the globals make theirs. */
const SUPERUSER = 'holdfast_drill';
const DATABASE = 'restored';
/** Of the sandbox alone; the scratch folder's path may be longer than a socket's may be. */
const SOCKET_FOLDER = '/tmp';
const JOBS_MAX = 4;
/** For one statement of the checks; a table of a terabyte is not opened here. */
const STATEMENT_MS = 30 * 60_000;

export async function openPostgres(task: OpenPostgresTask, clock: PhaseClock): Promise<OpenResult> {
  const program = (name: string): string => `${task.programs}/${name}`;
  const env = { PGHOST: SOCKET_FOLDER, PGUSER: SUPERUSER };
  const psql = async (database: string, input: string, more: readonly string[] = []) =>
    await runProgram(
      program('psql'),
      ['-X', '-q', '-A', '-t', '-w', '-F', '\u001f', '-R', '\u001e', ...more, '-d', database, '-f', '-'],
      { env, input },
    );
  const checks: DrillCheck[] = [];
  const done = (rows: OpenResult['rows'], newest: OpenResult['newest'] = []): OpenResult => ({
    checks,
    rows,
    newest,
    timings: clock.timings(),
  });

  clock.begin('provision');
  const made = await runProgram(program('initdb'), [
    ...['-D', 'data', '-U', SUPERUSER, '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N', '--no-instructions'],
  ]);
  if (made.code !== 0) throw notSetUp('PostgreSQL', `${made.output}\n${made.complaint}`);
  clock.begin('start');
  const server = await Server.start(
    program('postgres'),
    ['-D', 'data', '-k', SOCKET_FOLDER, ...POSTGRES_SETTINGS.flatMap((setting) => ['-c', setting])],
    async () => (await psql('postgres', 'SELECT 1')).code === 0,
  );

  clock.begin('rebuild');
  const loaded = await load(task, { psql, program, env });
  checks.push(loaded);
  if (loaded.state === 'failed') {
    if (!server.isRunning) checks[0] = { ...loaded, output: plainOutput(`${loaded.output}\n${server.complaint}`) };
    return done(null);
  }

  clock.begin('checks');
  const ask = async (sql: string): Promise<Answer> => {
    const end = await psql(DATABASE, `SET statement_timeout = ${STATEMENT_MS};\n${sql};\n`, ['-v', 'ON_ERROR_STOP=1']);
    const rows = end.output.replace(/\n$/, '').split('\u001e');
    return {
      rows: end.code === 0 && end.output.trim() !== '' ? rows.map((row) => row.split('\u001f')) : [],
      error: end.code === 0 ? null : end.complaint || 'the server did not answer',
    };
  };
  checks.push(await checkStructure(task, ask, psql));
  const database: Asked = {
    ask,
    tables: await listTables(ask),
    newestSql: (table, column) =>
      `SELECT (extract(epoch FROM max(${quoted(column, '"')})::timestamptz) * 1000)::bigint FROM ${quoted(table, '"')}`,
  };
  checks.push(...(await askInvariants(database, task.subject, task.title, task.checks)));
  return done(await countRows(database), await askNewest(database, task.checks));
}

interface Programs {
  readonly psql: (
    database: string,
    input: string,
    more?: readonly string[],
  ) => Promise<{ readonly code: number | null; readonly complaint: string; readonly ms: number }>;
  readonly program: (name: string) => string;
  readonly env: Readonly<Record<string, string>>;
}

/** Roles, then the dump, each as a restore into a new server would do it: the first error ends it. */
async function load(task: OpenPostgresTask, { psql, program, env }: Programs): Promise<DrillCheck> {
  const startedMs = performance.now();
  const check = (state: 'passed' | 'failed', output: string): DrillCheck => ({
    kind: 'restore',
    name: `PostgreSQL loads the dump of ${task.title}`.slice(0, 200),
    subject: task.subject,
    state,
    expected: null,
    actual: null,
    output: plainOutput(output),
    ms: Math.round(performance.now() - startedMs),
  });
  if (task.globals !== null) {
    const roles = rolesOf(readFileSync(task.globals, 'utf8'));
    if (roles === undefined)
      return check(
        'failed',
        'The list of roles holds a line that is no SQL and could start a program. It was not used.',
      );
    const end = await psql('postgres', roles, ['-v', 'ON_ERROR_STOP=1']);
    if (end.code !== 0) return check('failed', `The roles of the server could not be made:\n${end.complaint}`);
  }
  const created = await psql('postgres', `CREATE DATABASE ${DATABASE} TEMPLATE template0;`, ['-v', 'ON_ERROR_STOP=1']);
  if (created.code !== 0) throw notSetUp('PostgreSQL', created.complaint);
  // Without the roles everything belongs to the one who restores, as with holdfast restore-database --no-owner.
  const owner = task.globals === null ? ['--no-owner', '--no-privileges'] : [];
  const jobs = `--jobs=${Math.min(JOBS_MAX, availableParallelism())}`;
  const end =
    task.format === 'custom'
      ? await runProgram(
          program('pg_restore'),
          ['--exit-on-error', '--no-password', '--no-tablespaces', jobs, `--dbname=${DATABASE}`, ...owner, task.dump],
          { env },
        )
      : await runProgram(
          program('psql'),
          ['-X', '-q', '-w', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', DATABASE, '-f', '-'],
          { env, inputFile: task.dump },
        );
  if (end.code === 0) return check('passed', end.complaint);
  return check('failed', `PostgreSQL could not load the dump of ${task.title} to its end:\n${end.complaint}`);
}

/** Statements for roles alone: tablespaces name folders of another machine. Undefined: there is a line for psql itself. */
function rolesOf(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => !/^\\(?:un)?restrict [A-Za-z0-9]+$/.test(line));
  if (lines.some((line) => line.trimStart().startsWith('\\') && !/^\\connect \w+$/.test(line))) return undefined;
  return lines.filter((line) => !/^(?:CREATE|ALTER|GRANT|REVOKE|COMMENT)\b.*\bTABLESPACE\b/.test(line)).join('\n');
}

async function listTables(ask: (sql: string) => Promise<Answer>): Promise<Asked['tables']> {
  const { rows } = await ask(
    `SELECT n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname)
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
     ORDER BY 1 LIMIT ${TABLES_MAX}`,
  );
  return rows.map(([name = '', identifier = '']) => ({ name, from: identifier }));
}

/**
 * amcheck: the order of every b-tree index, and (from PostgreSQL 14 on) every page of every table. The indexes were built
 * anew by the restore; what it finds is what would be wrong after a real one, too.
 */
async function checkStructure(
  task: OpenPostgresTask,
  ask: (sql: string) => Promise<Answer>,
  psql: (
    database: string,
    input: string,
  ) => Promise<{ code: number | null; output: string; complaint: string; ms: number }>,
): Promise<DrillCheck> {
  const check = { kind: 'structure', name: `amcheck of ${task.title}`.slice(0, 200), subject: task.subject } as const;
  const none = { expected: 'no corruption', actual: null } as const;
  const made = await ask('CREATE SCHEMA holdfast_amcheck; CREATE EXTENSION IF NOT EXISTS amcheck');
  if (made.error !== null)
    return {
      ...check,
      ...none,
      state: 'skipped',
      output: `PostgreSQL has no amcheck here (Debian: it is part of postgresql-N): ${plainOutput(made.error, 500)}`,
      ms: 0,
    };
  const schema = await ask(
    "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'amcheck'",
  );
  const place = schema.rows[0]?.[0] ?? 'public';
  const { rows: version } = await ask("SELECT current_setting('server_version_num')::int >= 140000");
  const { rows: relations } = await ask(
    `SELECT c.oid, CASE WHEN c.relkind = 'i' THEN 'i' ELSE 't' END FROM pg_class c
     LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_am a ON a.oid = c.relam
     WHERE (c.relkind = 'i' AND a.amname = 'btree' AND i.indisvalid) OR (c.relkind IN ('r', 'm', 't') AND a.amname = 'heap')
     ORDER BY c.oid`,
  );
  const heap = version[0]?.[0] === 't';
  const statements = relations.flatMap(([oid = '', kind]) =>
    kind === 'i'
      ? [`SELECT ${place}.bt_index_check(${Number(oid)})`]
      : heap
        ? [`SELECT '${Number(oid)}'::regclass || ': ' || msg FROM ${place}.verify_heapam(${Number(oid)}) LIMIT 20`]
        : [],
  );
  const end = await psql(DATABASE, `SET statement_timeout = ${STATEMENT_MS};\n${statements.join(';\n')};\n`);
  const complaints = end.complaint
    .split('\n')
    .filter((line) => /(?:ERROR|FATAL|DETAIL|server closed)/.test(line))
    .map((line) => line.replace(/^psql:[^:]*:\d+: /, ''));
  const found = [...end.output.split(/[\u001e\n]/).filter((line) => line.trim() !== ''), ...complaints];
  const count = `${relations.length} indexes and tables`;
  if (found.length === 0 && end.code === 0)
    return { ...check, ...none, actual: `${count}, none of them damaged`, state: 'passed', output: '', ms: end.ms };
  return {
    ...check,
    ...none,
    state: 'failed',
    actual: `${count}, ${found.length} findings`,
    output: plainOutput(`PostgreSQL's own check found damage in ${task.title}:\n${found.slice(0, 50).join('\n')}`),
    ms: end.ms,
  };
}
