/** PostgreSQL: each database in pg_dump's own format, and what belongs to the server as a whole as SQL. */
import type { PostgresSource } from '../../core/domain/backup-source.ts';
import { sourceFolder } from '../../core/domain/source-words.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import { checkedStream, type DumpCheck, type DumpLabel, EndingCheck, fileNameOf } from './dump-stream.ts';
import { assertNotOlder, PostgresClient } from './postgres-client.ts';
import { type RunningProgram, startProgram } from './run-program.ts';
import type { StreamSource } from '../../core/repository/backup/stream-source.ts';
import type { SourceContext } from './source-context.ts';

/** Uncompressed: the repository compresses, and finds the same rows again in the next dump. */
const DUMP = ['--format=custom', '--compress=0', '--no-password'];
const GLOBALS = ['--globals-only', '--no-password'];
const GLOBALS_END = /-- PostgreSQL database cluster dump complete\n/;

/**
 * The streams of a server: its globals, and each of its databases. Nothing is dumped before a stream is opened.
 * @throws HoldfastError when the server cannot be asked, the secret file is refused, or the programs are too old.
 */
export async function postgresStreams(source: PostgresSource, context: SourceContext): Promise<StreamSource[]> {
  const client = await PostgresClient.open(source, context.searchPath, context.signal);
  const title = `The PostgreSQL server ${source.label}`;
  const serverVersion = await client.serverVersion(title);
  const clientVersion = await client.clientVersion();
  assertNotOlder(clientVersion, serverVersion, 'PostgreSQL', 1);
  const about = { kind: 'postgres', label: source.label, serverVersion, clientVersion } as const;
  const names = source.databases === 'all' ? await listDatabases(client, title) : source.databases;
  const streams = names.map((database) => databaseStream(source, context, client, { ...about, database }));
  if (source.globals) streams.unshift(globalsStream(source, context, client, { ...about, database: null }));
  return streams;
}

async function listDatabases(client: PostgresClient, title: string): Promise<string[]> {
  const sql = 'SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname';
  const names = await client.ask(sql, title);
  if (names.length > 0) return names;
  throw new HoldfastError('source_unreadable', `${title} shows no database to this user.`);
}

function databaseStream(
  source: PostgresSource,
  { onWhole }: SourceContext,
  client: PostgresClient,
  about: DumpLabel & { readonly database: string },
): StreamSource {
  const path = `${sourceFolder(source)}/${fileNameOf(about.database)}.dump`;
  const timeLimitMs = source.timeLimitMinutes * 60_000;
  return {
    path,
    open: async () => {
      const { database } = about;
      const title = `pg_dump of the database ${database}`;
      const dump = await client.call('pg_dump', DUMP, { title, timeLimitMs, database });
      const reader = await client.call('pg_restore', ['--file=/dev/null'], {
        title: `Reading the dump of the database ${database} to its end with pg_restore`,
        timeLimitMs,
      });
      const producer = startProgram(dump);
      producer.input.end();
      return checkedStream({ path, about, producer, check: new ReadBackCheck(startProgram(reader)), onWhole });
    },
  };
}

function globalsStream(
  source: PostgresSource,
  { onWhole }: SourceContext,
  client: PostgresClient,
  about: DumpLabel,
): StreamSource {
  const path = `${sourceFolder(source)}/globals.sql`;
  return {
    path,
    open: async () => {
      const title = `pg_dumpall of the roles of ${source.label}`;
      const timeLimitMs = source.timeLimitMinutes * 60_000;
      const producer = startProgram(await client.call('pg_dumpall', GLOBALS, { title, timeLimitMs }));
      producer.input.end();
      return checkedStream({ path, about, producer, check: new EndingCheck(title, GLOBALS_END), onWhole });
    },
  };
}

/**
 * The dump's table of contents stands at its beginning and names every piece of data; a format without an end mark shows
 * only to one who reads all of it that something is missing. pg_restore does, beside the backup, and writes nothing.
 */
class ReadBackCheck implements DumpCheck {
  readonly #reader: RunningProgram;
  #isOver = false;

  constructor(reader: RunningProgram) {
    this.#reader = reader;
    void this.#drain();
    reader.done.then(
      () => this.#end(),
      () => this.#end(),
    );
  }

  #onEnd: () => void = () => undefined;

  #end(): void {
    this.#isOver = true;
    this.#onEnd();
  }

  async #drain(): Promise<void> {
    for await (const _ of this.#reader.output);
  }

  async take(piece: Uint8Array): Promise<void> {
    if (this.#isOver || this.#reader.input.write(piece)) return;
    await new Promise<void>((resolve) => {
      this.#onEnd = resolve;
      this.#reader.input.once('drain', resolve);
      if (this.#isOver) resolve();
    });
  }

  async end(): Promise<void> {
    this.#reader.input.end();
    await this.#reader.done;
  }

  stop(): void {
    this.#reader.stop();
  }
}
