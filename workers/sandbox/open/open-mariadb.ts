/** MariaDB opens the dump: a throw-away server without a network loads it, checks its tables, and answers questions. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { DrillCheck } from '../../../core/domain/drill-checks.ts';
import type { OpenMariadbTask, OpenResult } from '../messages.ts';
import { type Answer, type Asked, askInvariants, askNewest, countRows, quoted, TABLES_MAX } from './ask-database.ts';
import type { PhaseClock } from './phase-clock.ts';
import { notSetUp, plainOutput, runProgram, Server } from './programs.ts';

const DATABASE = 'restored';
/** In a folder of the sandbox alone; the scratch folder's path may be longer than a socket's may be. */
const SOCKET = '/tmp/mariadb.sock';
/** The last line of a dump that was written to its end. */
const DUMP_END = /(?:^|\n)-- Dump completed[^\n]*\s*$/;

const SETTINGS = [
  ...['--skip-networking', '--skip-log-bin', '--skip-name-resolve', '--innodb-flush-log-at-trx-commit=0'],
  ...['--innodb-doublewrite=0', '--innodb-buffer-pool-size=256M', '--innodb-log-file-size=256M', '--sync-frm=0'],
  ...['--innodb-flush-method=nosync', '--max-allowed-packet=1G', '--local-infile=0', '--event-scheduler=OFF'],
];

export async function openMariadb(task: OpenMariadbTask, clock: PhaseClock): Promise<OpenResult> {
  const folder = process.cwd();
  const client = async (input: string, more: readonly string[] = [], database: string = DATABASE) =>
    await runProgram(
      task.programs.client,
      [
        ...['--no-defaults', `--socket=${SOCKET}`, '--user=root', '--binary-mode', '--default-character-set=utf8mb4'],
        ...['--batch', '--skip-column-names', ...more, database],
      ],
      { input },
    );
  const checks: DrillCheck[] = [];

  clock.begin('provision');
  const made = await runProgram(task.programs.install, [
    ...['--no-defaults', `--datadir=${folder}/data`, '--auth-root-authentication-method=normal', '--skip-test-db'],
    // Without a network no name of a host can be looked up.
    ...['--skip-name-resolve', '--force'],
  ]);
  if (made.code !== 0) throw notSetUp('MariaDB', `${made.output}\n${made.complaint}`);
  clock.begin('start');
  const server = await Server.start(
    task.programs.server,
    [
      ...['--no-defaults', `--datadir=${folder}/data`, `--socket=${SOCKET}`, `--pid-file=${folder}/pid`],
      ...[`--tmpdir=${folder}`, ...SETTINGS],
    ],
    async () => (await client('SELECT 1', [], 'mysql')).code === 0,
  );

  clock.begin('rebuild');
  const loaded = await load(task, client);
  checks.push(server.isRunning ? loaded : { ...loaded, output: plainOutput(`${loaded.output}\n${server.complaint}`) });
  if (loaded.state === 'failed') return { checks, rows: null, newest: [], timings: clock.timings() };

  clock.begin('checks');
  const ask = async (sql: string): Promise<Answer> => {
    const end = await client(`SET time_zone = '+00:00';\n${sql};\n`);
    const lines = end.output.split('\n').filter((line) => line !== '');
    return {
      rows: lines.map((line) => line.split('\t').map((value) => (value === 'NULL' ? '' : value))),
      error: end.code === 0 ? null : end.complaint || 'the server did not answer',
    };
  };
  const tables = await listTables(ask);
  checks.push(await checkTables(task, tables, ask));
  const database: Asked = {
    ask,
    tables: tables.map((name) => ({ name, from: quoted(name, '`') })),
    newestSql: (table, column) =>
      `SELECT ROUND(UNIX_TIMESTAMP(MAX(${quoted(column, '`')})) * 1000) FROM ${quoted(table, '`')}`,
  };
  checks.push(...(await askInvariants(database, task.subject, task.title, task.checks)));
  const rows = await countRows(database);
  return { checks, rows, newest: await askNewest(database, task.checks), timings: clock.timings() };
}

async function load(
  task: OpenMariadbTask,
  client: (input: string, more?: readonly string[], database?: string) => ReturnType<typeof runProgram>,
): Promise<DrillCheck> {
  const startedMs = performance.now();
  const check = (state: 'passed' | 'failed', output: string): DrillCheck => ({
    kind: 'restore',
    name: `MariaDB loads the dump of ${task.title}`.slice(0, 200),
    subject: task.subject,
    state,
    expected: null,
    actual: null,
    output: plainOutput(output),
    ms: Math.round(performance.now() - startedMs),
  });
  const created = await client(`CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4`, [], 'mysql');
  if (created.code !== 0) throw notSetUp('MariaDB', created.complaint);
  const end = await runProgram(
    task.programs.client,
    [
      ...['--no-defaults', `--socket=${SOCKET}`, '--user=root', '--binary-mode', '--default-character-set=utf8mb4'],
      ...[
        '--max-allowed-packet=1G',
        '--init-command=SET SESSION unique_checks=0, SESSION foreign_key_checks=0',
        DATABASE,
      ],
    ],
    { inputFile: task.dump },
  );
  if (end.code !== 0)
    return check('failed', `MariaDB could not load the dump of ${task.title} to its end:\n${end.complaint}`);
  // SQL that stops between two statements loads without an error.
  if (!DUMP_END.test(endOf(task.dump)))
    return check(
      'failed',
      `The dump of ${task.title} is cut off: its last line is missing, although MariaDB loads what there is of it.`,
    );
  return check('passed', end.complaint);
}

function endOf(file: string): string {
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    const bytes = Buffer.alloc(Math.min(1024, size));
    readSync(handle, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('latin1');
  } finally {
    closeSync(handle);
  }
}

async function listTables(ask: (sql: string) => Promise<Answer>): Promise<string[]> {
  const { rows } = await ask(
    `SELECT table_name FROM information_schema.tables WHERE table_schema = '${DATABASE}' AND table_type = 'BASE TABLE'
     ORDER BY table_name LIMIT ${TABLES_MAX}`,
  );
  return rows.map(([name = '']) => name);
}

/** What mariadb-check asks: CHECK TABLE, with every index compared with its rows. */
async function checkTables(
  task: OpenMariadbTask,
  tables: readonly string[],
  ask: (sql: string) => Promise<Answer>,
): Promise<DrillCheck> {
  const startedMs = performance.now();
  const found: string[] = [];
  for (const table of tables) {
    const { rows, error } = await ask(`CHECK TABLE ${quoted(table, '`')} EXTENDED`);
    if (error !== null) found.push(`${table}: ${error}`);
    for (const [, , kind = '', message = ''] of rows)
      if (/error|warning/i.test(kind) || (kind === 'status' && message !== 'OK')) found.push(`${table}: ${message}`);
  }
  const isSound = found.length === 0;
  return {
    kind: 'structure',
    name: `CHECK TABLE of ${task.title}`.slice(0, 200),
    subject: task.subject,
    state: isSound ? 'passed' : 'failed',
    expected: 'no corruption',
    actual: `${tables.length} tables, ${isSound ? 'none of them damaged' : `${found.length} findings`}`,
    output: isSound
      ? ''
      : plainOutput(`MariaDB's own check found damage in ${task.title}:\n${found.slice(0, 50).join('\n')}`),
    ms: Math.round(performance.now() - startedMs),
  };
}
