/** How the programs of PostgreSQL are called: one place for the backup and for the way back. */
import { userInfo } from 'node:os';
import { HoldfastError } from '../../core/base/errors.ts';
import type { PostgresSource } from '../../core/domain/backup-source.ts';
import { findProgram } from './find-program.ts';
import { type ProgramCall, runProgram } from './run-program.ts';
import { assertSecretFile } from './secret-file.ts';
import { runAs, type SystemUser } from './system-user.ts';

export type PostgresConnection = Pick<PostgresSource, 'host' | 'port' | 'socket' | 'user' | 'login'> & {
  readonly programFolder?: string | undefined;
  readonly sslMode?: PostgresSource['sslMode'];
};

const CONNECT_SECONDS = 30;
const QUESTION_MS = 2 * 60_000;
const INSTALL = 'Install the client of PostgreSQL (Debian: postgresql-client), or name its folder in the source.';

export class PostgresClient {
  readonly #connection: PostgresConnection;
  readonly #searchPath: string;
  readonly #user: SystemUser | undefined;
  readonly #signal: AbortSignal | undefined;

  private constructor(connection: PostgresConnection, searchPath: string, signal?: AbortSignal) {
    this.#connection = connection;
    this.#searchPath = searchPath;
    this.#signal = signal;
    this.#user = runAs(connection.login.kind === 'peer' ? connection.login.systemUser : undefined);
  }

  /** @throws HoldfastError forbidden or source_missing for the secret file; bad_request for an unknown user. */
  static async open(connection: PostgresConnection, searchPath: string, signal?: AbortSignal): Promise<PostgresClient> {
    if (connection.login.kind === 'secret_file') await assertSecretFile(connection.login.path);
    return new PostgresClient(connection, searchPath, signal);
  }

  /** A call of one of its programs, connected to `database`. */
  async call(
    program: 'psql' | 'pg_dump' | 'pg_dumpall' | 'pg_restore',
    args: readonly string[],
    terms: { readonly title: string; readonly timeLimitMs: number; readonly database?: string },
  ): Promise<ProgramCall> {
    const { programFolder } = this.#connection;
    return {
      program: await findProgram([program], this.#searchPath, programFolder, INSTALL),
      args,
      env: this.#environment(terms.database ?? 'postgres'),
      searchPath: this.#searchPath,
      user: this.#user,
      timeLimitMs: terms.timeLimitMs,
      signal: this.#signal,
      title: terms.title,
    };
  }

  /** The answer to one statement, columns and rows separated by `separator`. */
  async ask(sql: string, title: string, database = 'postgres'): Promise<string[]> {
    const args = ['-X', '-A', '-t', '-q', '-w', '-0', '-v', 'ON_ERROR_STOP=1', '-f', '-'];
    const text = await runProgram(await this.call('psql', args, { title, timeLimitMs: QUESTION_MS, database }), sql);
    return text.split('\0').filter((row) => row !== '');
  }

  /** As people write it, such as 15.18. @throws HoldfastError source_unreadable when the server cannot be asked. */
  async serverVersion(title: string): Promise<string> {
    const [version] = await this.ask('SHOW server_version', title);
    const plain = version === undefined ? undefined : firstVersion(version);
    if (plain !== undefined) return plain;
    throw new HoldfastError('source_unreadable', `${title}: the server did not say its version.`);
  }

  async clientVersion(): Promise<string> {
    const call = await this.call('pg_dump', ['--version'], { title: 'pg_dump --version', timeLimitMs: QUESTION_MS });
    const text = await runProgram({ ...call, env: {} });
    const plain = firstVersion(text);
    if (plain !== undefined) return plain;
    throw new HoldfastError('service_missing', `${call.program} did not say its version.`);
  }

  /** Passwords come from the file that PGPASSFILE names; the environment of the agent is not handed on. */
  #environment(database: string): Record<string, string> {
    const { host, port, socket, user, login, sslMode } = this.#connection;
    const place = host ?? socket;
    return {
      PGUSER: user,
      PGDATABASE: database,
      PGPASSFILE: login.kind === 'secret_file' ? login.path : '/dev/null',
      PGCONNECT_TIMEOUT: String(CONNECT_SECONDS),
      PGAPPNAME: 'holdfast',
      HOME: this.#user?.home ?? userInfo().homedir,
      ...(place === undefined ? {} : { PGHOST: place }),
      ...(port === undefined ? {} : { PGPORT: String(port) }),
      ...(sslMode === undefined ? {} : { PGSSLMODE: sslMode }),
    };
  }
}

/** @throws HoldfastError service_missing when the programs are older than the server: their dump could lack what is new. */
export function assertNotOlder(clientVersion: string, serverVersion: string, product: string, parts: 1 | 2): void {
  const client = numbers(clientVersion);
  const server = numbers(serverVersion);
  for (let at = 0; at < parts; at++) {
    const difference = (client[at] ?? 0) - (server[at] ?? 0);
    if (difference > 0) return;
    if (difference === 0) continue;
    throw new HoldfastError(
      'service_missing',
      `The client of ${product} on this machine is version ${clientVersion}, older than the server, ${serverVersion}: its dump could be incomplete, so none is made. Install the client of the server's version, or name its folder in the source.`,
    );
  }
}

/** The first thing that looks like a version: two or three numbers, or one from PostgreSQL 10 on. */
export function firstVersion(text: string): string | undefined {
  return /\d+(?:\.\d+){0,2}/.exec(text)?.[0];
}

function numbers(version: string): number[] {
  return version.split('.').map(Number);
}
