/** The way back into PostgreSQL: a database with pg_restore, the globals with psql. */
import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../../core/base/errors.ts';
import { type DumpFile, feedProgram, LOAD_TIME_LIMIT_MS, type LoadTerms } from './load-dump.ts';
import type { PostgresClient } from './postgres-client.ts';
import { runProgram } from './run-program.ts';

const TITLE = 'The PostgreSQL server';
const GLOBALS_BYTES_MAX = 64 * 1024 * 1024;

/** Everything that a new database has not. */
const CONTENTS = `
  SELECT (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema')
       + (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema')
       + (SELECT count(*) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
            WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema')
       + (SELECT count(*) FROM pg_namespace
            WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'public'))
       + (SELECT count(*) FROM pg_extension WHERE extname <> 'plpgsql')
       + (SELECT count(*) FROM pg_largeobject_metadata)`;

export interface PostgresLoadTerms extends LoadTerms {
  /** Everything then belongs to the user that restores: for servers that lack the roles. */
  readonly noOwner: boolean;
}

/**
 * Restores a dump into a database. One that holds something is refused, or, with `clean`, replaced only after the dump was
 * restored whole beside it. A restore that fails leaves the database as it was.
 * @throws HoldfastError not_found, conflict; source_unreadable with what pg_restore said; repository_damaged.
 */
export async function restorePostgres(client: PostgresClient, dump: DumpFile, terms: PostgresLoadTerms): Promise<void> {
  const { into, create, clean } = terms;
  const known = await client.ask(`SELECT 1 FROM pg_database WHERE datname = ${literal(into)}`, TITLE);
  if (known.length === 0) {
    if (!create) throw new HoldfastError('not_found', `There is no database ${into}. With --create it is made.`);
    return await restoreIntoNew(client, dump, into, terms);
  }
  const [contents] = await client.ask(CONTENTS, TITLE, into);
  if (contents === '0') return await load(client, dump, into, terms, ['--single-transaction']);
  if (!clean)
    throw new HoldfastError(
      'conflict',
      `The database ${into} is not empty, and nothing was changed in it. Name another one, or add --clean to replace it.`,
    );
  await assertUnused(client, into);
  const beside = `${Buffer.from(into).subarray(0, 40).toString('utf8')}_restore_${randomBytes(4).toString('hex')}`;
  await restoreIntoNew(client, dump, beside, terms);
  try {
    await client.ask(`DROP DATABASE ${identifier(into)}`, TITLE);
  } catch (error) {
    await client.ask(`DROP DATABASE ${identifier(beside)}`, TITLE);
    throw error;
  }
  await client.ask(`ALTER DATABASE ${identifier(beside)} RENAME TO ${identifier(into)}`, TITLE);
}

async function assertUnused(client: PostgresClient, database: string): Promise<void> {
  const [users] = await client.ask(
    `SELECT count(*) FROM pg_stat_activity WHERE datname = ${literal(database)} AND pid <> pg_backend_pid()`,
    TITLE,
  );
  if (users === '0') return;
  throw new HoldfastError(
    'conflict',
    `The database ${database} is in use (${users} connections) and cannot be replaced. Nothing was changed. Stop what uses it and try again.`,
  );
}

async function restoreIntoNew(
  client: PostgresClient,
  dump: DumpFile,
  database: string,
  terms: PostgresLoadTerms,
): Promise<void> {
  await client.ask(`CREATE DATABASE ${identifier(database)} TEMPLATE template0`, TITLE);
  try {
    await load(client, dump, database, terms, []);
  } catch (error) {
    await client.ask(`DROP DATABASE ${identifier(database)}`, TITLE);
    throw error;
  }
}

async function load(
  client: PostgresClient,
  dump: DumpFile,
  database: string,
  terms: PostgresLoadTerms,
  more: readonly string[],
): Promise<void> {
  const owner = terms.noOwner ? ['--no-owner', '--no-privileges'] : [];
  // As a connection text: a name with "=" in it would be taken for one.
  const target = `--dbname=dbname='${database.replaceAll(/['\\]/g, '\\$&')}'`;
  const args = ['--exit-on-error', '--no-password', target, ...owner, ...more];
  const title = `pg_restore into the database ${database}`;
  await feedProgram(await client.call('pg_restore', args, { title, timeLimitMs: LOAD_TIME_LIMIT_MS }), dump, terms);
}

/**
 * Roles and tablespaces. Roles that the server has keep their attributes and passwords; with `clean` they become what they
 * were at the backup.
 * @throws HoldfastError unsafe_restore when the file would have psql do more than SQL.
 */
export async function restorePostgresGlobals(
  client: PostgresClient,
  dump: DumpFile,
  { clean, signal }: Pick<LoadTerms, 'clean' | 'signal'>,
): Promise<void> {
  const pieces: Buffer[] = [];
  if (dump.size > GLOBALS_BYTES_MAX)
    throw new HoldfastError('unsafe_restore', `${dump.path} is larger than any list of roles. It was not used.`);
  for await (const piece of dump.bytes(signal)) pieces.push(Buffer.from(piece));
  const roles = new Set(await client.ask('SELECT quote_ident(rolname) FROM pg_roles', TITLE));
  const sql = globalsFor(Buffer.concat(pieces).toString('utf8'), roles, clean);
  const args = ['-X', '-q', '-w', '-v', 'ON_ERROR_STOP=1', '-f', '-'];
  const title = 'psql with the roles of the backup';
  await runProgram(await client.call('psql', args, { title, timeLimitMs: LOAD_TIME_LIMIT_MS }), sql);
}

/** The statements without those for roles that are there. Lines of psql itself could start programs: none gets through. */
export function globalsFor(text: string, roles: ReadonlySet<string>, clean: boolean): string {
  const lines = text.split('\n').filter((line) => !/^\\(?:un)?restrict [A-Za-z0-9]+$/.test(line));
  const strange = lines.find((line) => line.trimStart().startsWith('\\') && !/^\\connect \w+$/.test(line));
  if (strange !== undefined)
    throw new HoldfastError(
      'unsafe_restore',
      `The list of roles holds a line that is no SQL and could start a program. Nothing of it was used.`,
      { detail: { line: strange.slice(0, 200) } },
    );
  const kept = lines.filter((line) => {
    const named = /^(CREATE|ALTER) ROLE ("(?:[^"]|"")*"|[^\s;]+)/.exec(line);
    if (named === null || !roles.has(named[2] ?? '')) return true;
    return named[1] === 'ALTER' && clean;
  });
  return kept.join('\n');
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
