import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../../tools/services/free-port.ts';
import { newestProgram, PrivateServer, runAs, serverAccount, serverFolder } from './private-server.ts';

export interface SystemPostgres {
  readonly folder: string;
  readonly port: number;
  /** Folder of the socket, where the account of the machine is believed without a password. */
  readonly socket: string;
  /** Of the superuser `postgres`, over 127.0.0.1. */
  readonly password: string;
  /** Account of the machine that the socket believes as `postgres`. */
  readonly systemUser: string;
  /** Folder of the server's own programs. */
  readonly programs: string;
  /** Runs statements as the superuser and returns the rows, columns separated by |. */
  sql(statements: string, database?: string): string;
  stop(): Promise<void>;
}

/** Debian's PostgreSQL with its own clients, in a folder of its own: passwords by TCP, the machine's accounts by socket. */
export async function startSystemPostgres(): Promise<SystemPostgres> {
  const programs = path.dirname(newestProgram('/usr/lib/postgresql/*/bin/postgres'));
  const account = serverAccount('postgres');
  const folder = serverFolder('holdfast-system-postgres-', account);
  const password = `pg secret:${process.pid}`;
  const data = path.join(folder, 'data');
  const passwordFile = path.join(folder, 'password');
  writeFileSync(passwordFile, password);
  runAs(account, path.join(programs, 'initdb'), [
    ...['-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8', '-N'],
    ...['--auth-host=scram-sha-256', '--auth-local=peer', `--pwfile=${passwordFile}`],
  ]);
  writeFileSync(path.join(data, 'pg_ident.conf'), `machine ${account.name} postgres\n`);
  writeFileSync(
    path.join(data, 'pg_hba.conf'),
    'local all all peer map=machine\nhost all all 127.0.0.1/32 scram-sha-256\n',
  );
  const port = await freePort();
  const socket = path.join(folder, 'socket');
  const sql = (statements: string, database = 'postgres'): string =>
    execFileSync(
      path.join(programs, 'psql'),
      [
        '-X',
        '-A',
        '-t',
        '-q',
        '-w',
        '-v',
        'ON_ERROR_STOP=1',
        '-h',
        '127.0.0.1',
        '-p',
        String(port),
        '-U',
        'postgres',
        '-f',
        '-',
      ],
      {
        input: statements,
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, PGPASSWORD: password, PGDATABASE: database },
      },
    ).trimEnd();
  const settings = [
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${socket}`,
    'fsync=off',
    'max_connections=20',
  ];
  const server = await PrivateServer.start({
    folder,
    account,
    program: path.join(programs, 'postgres'),
    args: ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    stopSignal: 'SIGINT',
    isReady: () => sql('SELECT 1'),
  });
  return { folder, port, socket, password, systemUser: account.name, programs, sql, stop: () => server.stop() };
}
