import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { freePort } from '../../tools/services/free-port.ts';
import { newestProgram, PrivateServer, runAs, serverAccount, serverFolder } from './private-server.ts';

export interface SystemMariadb {
  readonly folder: string;
  readonly port: number;
  /** The socket, where the account of the machine is believed without a password. */
  readonly socket: string;
  /** Of the user `keeper`, who may do everything, over 127.0.0.1. */
  readonly password: string;
  /** Runs statements and returns the rows, columns separated by tabs. */
  sql(statements: string, database?: string): string;
  stop(): Promise<void>;
}

/** Debian's MariaDB in a folder of its own. */
export async function startSystemMariadb(): Promise<SystemMariadb> {
  const account = serverAccount('root');
  const folder = serverFolder('holdfast-system-mariadb-', account);
  const data = path.join(folder, 'data');
  const socket = path.join(folder, 'socket', 'mariadb.sock');
  const password = `maria"secret#${process.pid}`;
  runAs(account, newestProgram('/usr/bin/mariadb-install-db'), [
    ...['--no-defaults', `--datadir=${data}`, `--user=${account.name}`, '--skip-test-db'],
    ...['--auth-root-authentication-method=socket', `--auth-root-socket-user=${account.name}`],
  ]);
  const port = await freePort();
  const sql = (statements: string, database = 'mysql'): string =>
    execFileSync(
      'mariadb',
      ['--no-defaults', `--socket=${socket}`, `--user=${account.name}`, '--batch', '--skip-column-names', database],
      { input: statements, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] },
    ).trimEnd();
  const server = await PrivateServer.start({
    folder,
    account,
    program: newestProgram('/usr/sbin/mariadbd'),
    args: [
      ...['--no-defaults', `--datadir=${data}`, `--socket=${socket}`, `--port=${port}`, '--bind-address=127.0.0.1'],
      ...['--innodb-buffer-pool-size=32M', '--innodb-log-file-size=8M', '--innodb-flush-log-at-trx-commit=0'],
      ...['--skip-name-resolve', `--user=${account.name}`, `--pid-file=${path.join(folder, 'pid')}`],
    ],
    stopSignal: 'SIGTERM',
    isReady: () => sql('SELECT 1'),
  });
  sql(
    `CREATE USER keeper@'127.0.0.1' IDENTIFIED BY '${password}'; GRANT ALL ON *.* TO keeper@'127.0.0.1' WITH GRANT OPTION`,
  );
  return { folder, port, socket, password, sql, stop: () => server.stop() };
}
