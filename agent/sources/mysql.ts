/** MySQL and MariaDB: each database as SQL, of one moment for tables that know transactions. */
import { HoldfastError } from '../../core/base/errors.ts';
import type { MysqlSource } from '../../core/domain/backup-source.ts';
import { sourceFolder } from '../../core/domain/source-words.ts';
import { checkedStream, type DumpLabel, EndingCheck, fileNameOf } from './dump-stream.ts';
import { MysqlClient, type MysqlVersion } from './mysql-client.ts';
import { assertNotOlder } from './postgres-client.ts';
import { startProgram } from './run-program.ts';
import type { StreamSource } from '../../core/repository/backup/stream-source.ts';
import type { SourceContext } from './source-context.ts';

const DUMP = [
  '--single-transaction',
  '--quick',
  '--routines',
  '--events',
  '--triggers',
  '--hex-blob',
  '--no-tablespaces',
  '--default-character-set=utf8mb4',
  // Without the date, what did not change is the same in the next dump.
  '--skip-dump-date',
];
/** MySQL alone: a dump is to be loaded anywhere, not only into a replica. */
const DUMP_MYSQL = ['--set-gtid-purged=OFF'];
export const DUMP_END = /(?:^|\n)-- Dump completed[^\n]*\s*$/;
const SYSTEM = ['information_schema', 'performance_schema', 'mysql', 'sys'];

/**
 * The streams of a server's databases. Nothing is dumped before a stream is opened.
 * @throws HoldfastError when the server cannot be asked, the secret file is refused, or the programs do not fit the server.
 */
export async function mysqlStreams(source: MysqlSource, context: SourceContext): Promise<StreamSource[]> {
  const client = await MysqlClient.open(source, context.searchPath, context.signal);
  const title = `The MySQL server ${source.label}`;
  const server = await client.serverVersion(title);
  const dump = await client.clientVersion();
  assertFits(dump, server);
  const about = {
    kind: 'mysql',
    label: source.label,
    serverVersion: `${server.product} ${server.version}`,
    clientVersion: `${dump.product} ${dump.version}`,
  } as const;
  const names = source.databases === 'all' ? await listDatabases(client, title) : source.databases;
  return names.map((database) => databaseStream(source, context, client, dump, { ...about, database }));
}

/** @throws HoldfastError service_missing: programs of the other product, or older ones, leave things out. */
function assertFits(client: MysqlVersion, server: MysqlVersion): void {
  if (client.product !== server.product) {
    throw new HoldfastError(
      'service_missing',
      `The server is ${server.product} ${server.version}, but the dump program on this machine is that of ${client.product} ${client.version}, which cannot dump it reliably. Install the client of ${server.product}, or name its folder in the source.`,
    );
  }
  assertNotOlder(client.version, server.version, server.product, 2);
}

async function listDatabases(client: MysqlClient, title: string): Promise<string[]> {
  const system = SYSTEM.map((name) => `'${name}'`).join(', ');
  const rows = await client.ask(
    `SELECT HEX(schema_name) FROM information_schema.schemata WHERE schema_name NOT IN (${system}) ORDER BY schema_name`,
    title,
  );
  if (rows.length > 0) return rows.map((row) => Buffer.from(row, 'hex').toString('utf8'));
  throw new HoldfastError('source_unreadable', `${title} shows no database to this user, besides its own.`);
}

function databaseStream(
  source: MysqlSource,
  { onWhole }: SourceContext,
  client: MysqlClient,
  { product }: MysqlVersion,
  about: DumpLabel & { readonly database: string },
): StreamSource {
  const path = `${sourceFolder(source)}/${fileNameOf(about.database)}.sql`;
  return {
    path,
    open: async () => {
      const title = `The dump of the database ${about.database}`;
      const args = [...DUMP, ...(product === 'MySQL' ? DUMP_MYSQL : []), '--', about.database];
      const call = await client.call('dump', args, { title, timeLimitMs: source.timeLimitMinutes * 60_000 });
      const producer = startProgram(call);
      producer.input.end();
      return checkedStream({ path, about, producer, check: new EndingCheck(title, DUMP_END), onWhole });
    },
  };
}
