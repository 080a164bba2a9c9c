/** A dump of a restore point, straight from the vault into a server or to a SQLite file. */
import { HoldfastError } from '../../core/base/errors.ts';
import { openPoint, type OpenPointOptions } from './open-point.ts';
import { snapshotFile } from './snapshot-file.ts';
import { MysqlClient, type MysqlConnection } from '../sources/mysql-client.ts';
import type { LoadTerms } from '../sources/load-dump.ts';
import { PostgresClient, type PostgresConnection } from '../sources/postgres-client.ts';
import { restoreMysql } from '../sources/restore-mysql.ts';
import { restorePostgres, restorePostgresGlobals } from '../sources/restore-postgres.ts';
import { restoreSqlite } from '../sources/restore-sqlite.ts';

export interface RestoreDatabaseOptions extends Omit<OpenPointOptions, 'include'> {
  /** The dump's path in the restore point; its beginning says of which kind it is. */
  readonly path: string;
  /** Name of the database, or of the file for SQLite; not needed for globals. */
  readonly into: string | undefined;
  readonly create: boolean;
  readonly clean: boolean;
  readonly noOwner: boolean;
  /** Of the server; a server's kind decides which user is the usual one. */
  readonly connection: Omit<PostgresConnection, 'user'> & { readonly user: string | undefined };
  readonly searchPath: string;
  readonly onBytes?: (bytes: number, of: number) => void;
}

export type DumpKind = 'postgres' | 'globals' | 'mysql' | 'sqlite';

/** Undefined for what is no database's dump. */
export function dumpKind(path: string): DumpKind | undefined {
  if (/^\/postgres\/[^/]+\/globals\.sql$/.test(path)) return 'globals';
  const found = /^\/(postgres|mysql|sqlite)\/[^/]+\/[^/]+$/.exec(path);
  return found === null ? undefined : (found[1] as DumpKind); // the pattern has these three words
}

/**
 * Returns a sentence about what is there now.
 * @throws HoldfastError conflict when the target holds something, not_found, source_unreadable with the program's words,
 * and what opening a restore point throws.
 */
export async function runRestoreDatabase(options: RestoreDatabaseOptions): Promise<string> {
  const { path, connection, searchPath, signal } = options;
  const kind = dumpKind(path);
  if (kind === undefined)
    throw new HoldfastError('bad_request', `${path} is no dump of a database. Restore it as a file: holdfast restore`);
  if (options.into === undefined && kind !== 'globals')
    throw new HoldfastError('bad_request', 'Say where it is to be restored to: --into with a name of its own.');
  const { repo, index, snapshot } = await openPoint({ ...options, include: [path] });
  const dump = await snapshotFile(repo, index, snapshot, path);
  let done = 0;
  const terms: LoadTerms = {
    into: options.into ?? '',
    create: options.create,
    clean: options.clean,
    ...(signal === undefined ? {} : { signal }),
    onBytes: (bytes) => options.onBytes?.((done += bytes), dump.size),
  };
  if (kind === 'sqlite') {
    const aside = await restoreSqlite(dump, terms);
    return `Restored to ${terms.into}.${aside === undefined ? '' : ` The former file is now ${aside}.`}`;
  }
  if (kind === 'mysql') {
    const server: MysqlConnection = { ...connection, user: connection.user ?? 'root' };
    await restoreMysql(await MysqlClient.open(server, searchPath, signal), dump, terms);
    return `Restored into the database ${terms.into}.`;
  }
  const server: PostgresConnection = { ...connection, user: connection.user ?? 'postgres' };
  const client = await PostgresClient.open(server, searchPath, signal);
  if (kind === 'globals') {
    await restorePostgresGlobals(client, dump, terms);
    return 'The roles and tablespaces of the restore point are on the server.';
  }
  await restorePostgres(client, dump, { ...terms, noOwner: options.noOwner });
  return `Restored into the database ${terms.into}.`;
}
