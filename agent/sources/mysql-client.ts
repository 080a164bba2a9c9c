/** How the programs of MySQL and MariaDB are called: one place for the backup and for the way back. */
import { userInfo } from 'node:os';
import { HoldfastError } from '../../core/base/errors.ts';
import type { MysqlSource } from '../../core/domain/backup-source.ts';
import { findProgram } from './find-program.ts';
import { firstVersion } from './postgres-client.ts';
import { type ProgramCall, runProgram } from './run-program.ts';
import { assertSecretFile } from './secret-file.ts';
import { runAs, type SystemUser } from './system-user.ts';

export type MysqlConnection = Pick<MysqlSource, 'host' | 'port' | 'socket' | 'user' | 'login'> & {
  readonly programFolder?: string | undefined;
};

export interface MysqlVersion {
  readonly product: 'MySQL' | 'MariaDB';
  readonly version: string;
}

/** The newer name first; MySQL has the older alone. */
const PROGRAMS = { client: ['mariadb', 'mysql'], dump: ['mariadb-dump', 'mysqldump'] } as const;
const QUESTION_MS = 2 * 60_000;
const INSTALL = 'Install the client of MySQL or MariaDB (Debian: mariadb-client), or name its folder in the source.';

export class MysqlClient {
  readonly #connection: MysqlConnection;
  readonly #searchPath: string;
  readonly #user: SystemUser | undefined;
  readonly #signal: AbortSignal | undefined;

  private constructor(connection: MysqlConnection, searchPath: string, signal?: AbortSignal) {
    this.#connection = connection;
    this.#searchPath = searchPath;
    this.#signal = signal;
    this.#user = runAs(connection.login.kind === 'peer' ? connection.login.systemUser : undefined);
  }

  /** @throws HoldfastError forbidden or source_missing for the secret file; bad_request for an unknown user. */
  static async open(connection: MysqlConnection, searchPath: string, signal?: AbortSignal): Promise<MysqlClient> {
    if (connection.login.kind === 'secret_file') await assertSecretFile(connection.login.path);
    return new MysqlClient(connection, searchPath, signal);
  }

  async call(
    program: 'client' | 'dump',
    args: readonly string[],
    terms: { readonly title: string; readonly timeLimitMs: number },
  ): Promise<ProgramCall> {
    const { programFolder } = this.#connection;
    return {
      program: await findProgram(PROGRAMS[program], this.#searchPath, programFolder, INSTALL),
      args: [...this.#connectionArgs(), ...args],
      env: { HOME: this.#user?.home ?? userInfo().homedir },
      searchPath: this.#searchPath,
      user: this.#user,
      timeLimitMs: terms.timeLimitMs,
      signal: this.#signal,
      title: terms.title,
    };
  }

  /** The first column of the answer. Ask for HEX() where a value may hold a tab or a new line. */
  async ask(sql: string, title: string): Promise<string[]> {
    const args = ['--batch', '--skip-column-names', '--default-character-set=utf8mb4'];
    const text = await runProgram(await this.call('client', args, { title, timeLimitMs: QUESTION_MS }), `${sql};\n`);
    return text.split('\n').filter((row) => row !== '');
  }

  /** @throws HoldfastError source_unreadable when the server cannot be asked. */
  async serverVersion(title: string): Promise<MysqlVersion> {
    const [row = ''] = await this.ask("SELECT CONCAT(VERSION(), ' ', @@version_comment)", title);
    const version = firstVersion(row.replace(/^5\.5\.5-/, ''));
    if (version !== undefined) return { product: /mariadb/i.test(row) ? 'MariaDB' : 'MySQL', version };
    throw new HoldfastError('source_unreadable', `${title}: the server did not say its version.`);
  }

  async clientVersion(): Promise<MysqlVersion> {
    const call = await this.call('dump', [], { title: 'mysqldump --version', timeLimitMs: QUESTION_MS });
    const text = await runProgram({ ...call, args: ['--version'], env: {} });
    // The number after "Ver" is that of the program in MariaDB, and that of the product in MySQL.
    const found = /(?:Distrib|from) (\d+(?:\.\d+){1,2})/.exec(text) ?? /Ver (\d+(?:\.\d+){1,2})/.exec(text);
    if (found?.[1] !== undefined) return { product: /mariadb/i.test(text) ? 'MariaDB' : 'MySQL', version: found[1] };
    throw new HoldfastError('service_missing', `${call.program} did not say its version.`);
  }

  /** The password stands in the option file alone; other option files of the machine do not meddle. */
  #connectionArgs(): string[] {
    const { host, port, socket, user, login } = this.#connection;
    return [
      login.kind === 'secret_file' ? `--defaults-file=${login.path}` : '--no-defaults',
      `--user=${user}`,
      ...(host === undefined ? [] : [`--host=${host}`, '--protocol=tcp']),
      ...(port === undefined ? [] : [`--port=${port}`]),
      ...(socket === undefined ? [] : [`--socket=${socket}`, '--protocol=socket']),
    ];
  }
}
