/** The way back into MySQL and MariaDB. */
import { HoldfastError } from '../../core/base/errors.ts';
import { EndingCheck } from './dump-stream.ts';
import { type DumpFile, feedProgram, LOAD_TIME_LIMIT_MS, type LoadTerms } from './load-dump.ts';
import { DUMP_END } from './mysql.ts';
import type { MysqlClient } from './mysql-client.ts';

const TITLE = 'The MySQL server';

/**
 * Restores a dump into a database. One that holds something is refused, or, with `clean`, emptied: only after the dump was
 * read to its end, for MySQL cannot rename a database. A restore that fails leaves no half of one.
 * @throws HoldfastError not_found, conflict; source_unreadable with what the client said; repository_damaged.
 */
export async function restoreMysql(client: MysqlClient, dump: DumpFile, terms: LoadTerms): Promise<void> {
  const { into, create, clean } = terms;
  const [known] = await client.ask(
    `SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = ${literal(into)}`,
    TITLE,
  );
  const isThere = known !== '0';
  if (!isThere && !create)
    throw new HoldfastError('not_found', `There is no database ${into}. With --create it is made.`);
  if (isThere && (await holdsSomething(client, into)) && !clean)
    throw new HoldfastError(
      'conflict',
      `The database ${into} is not empty, and nothing was changed in it. Name another one, or add --clean to replace it.`,
    );
  await assertWhole(dump, terms.signal);
  const empty = async (): Promise<void> => {
    await client.ask(`DROP DATABASE IF EXISTS ${identifier(into)}`, TITLE);
    await client.ask(`CREATE DATABASE ${identifier(into)}`, TITLE);
  };
  await empty();
  try {
    await load(client, dump, terms);
  } catch (error) {
    if (isThere) await empty();
    else await client.ask(`DROP DATABASE ${identifier(into)}`, TITLE);
    throw error;
  }
}

async function holdsSomething(client: MysqlClient, database: string): Promise<boolean> {
  const name = literal(database);
  const [count] = await client.ask(
    `SELECT (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ${name})
          + (SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = ${name})
          + (SELECT COUNT(*) FROM information_schema.events WHERE event_schema = ${name})`,
    TITLE,
  );
  return count !== '0';
}

async function assertWhole(dump: DumpFile, signal: AbortSignal | undefined): Promise<void> {
  const check = new EndingCheck(dump.path, DUMP_END);
  for await (const piece of dump.bytes(signal)) await check.take(piece);
  await check.end();
}

async function load(client: MysqlClient, dump: DumpFile, terms: LoadTerms): Promise<void> {
  // Binary mode: the client does nothing but SQL then, whatever stands in the dump.
  const args = ['--binary-mode', '--default-character-set=utf8mb4', `--database=${terms.into}`];
  const title = `Loading the database ${terms.into}`;
  await feedProgram(await client.call('client', args, { title, timeLimitMs: LOAD_TIME_LIMIT_MS }), dump, terms);
}

function literal(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}

function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
