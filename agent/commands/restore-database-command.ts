import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isHoldfastError } from '../../core/base/errors.ts';
import { type CommandIo, EXIT, UsageError } from '../command-io.ts';
import { chooseRestorePoint } from '../restore/run-restore.ts';
import { dumpKind, type RestoreDatabaseOptions, runRestoreDatabase } from '../restore/run-restore-database.ts';
import { tellEnd } from '../restore/tell-end.ts';
import { DEFAULT_SEARCH_PATH } from '../sources/find-program.ts';
import { formatBytes, formatTime } from './figures.ts';
import { openClient, statePathOf, TERMINAL_RETRY_MS } from './open-client.ts';
import { terminalLog } from './terminal-log.ts';

export const RESTORE_DATABASE_HELP = `holdfast restore-database SNAPSHOT|latest --path PATH --into NAME [options]

Restores a dump of this machine's restore points straight into a server, or a SQLite database to a file.
  --path PATH            the dump, such as /postgres/main/shop.dump, /postgres/main/globals.sql, /mysql/main/shop.sql
                         or /sqlite/app/app.db
  --into NAME            the database; for SQLite the file. Not needed for globals.sql
  --create               make the database when there is none
  --clean                replace a database that is not empty; for globals: set roles that exist to what they were
  --no-owner             PostgreSQL: everything belongs to the user that restores
  --host NAME --port N   the server; without them its local socket
  --socket PATH          PostgreSQL: the folder of the socket; MySQL: the socket
  --user NAME            default: postgres, or root for MySQL
  --secret-file FILE     pgpass file or MySQL option file (0600) with the password
  --system-user NAME     user of this machine that the server believes without a password
  --program-folder DIR   where the client's programs lie; otherwise PATH
  --grant ID             permission from the portal, where the policy does not let the machine restore by itself
  --state DIR, --json
A target that holds something is never touched without --clean. A restore that fails leaves no half of a database.
Exit code 0: restored; 1: failed.`;

const OPTIONS = {
  path: { type: 'string' },
  into: { type: 'string' },
  create: { type: 'boolean', default: false },
  clean: { type: 'boolean', default: false },
  'no-owner': { type: 'boolean', default: false },
  host: { type: 'string' },
  port: { type: 'string' },
  socket: { type: 'string' },
  user: { type: 'string' },
  'secret-file': { type: 'string' },
  'system-user': { type: 'string' },
  'program-folder': { type: 'string' },
  grant: { type: 'string' },
  state: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
}
type Values = ReturnType<typeof parse>['values'];

export async function restoreDatabaseCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.help) {
    io.out(RESTORE_DATABASE_HELP);
    return EXIT.done;
  }
  const [reference, ...more] = positionals;
  if (reference === undefined || more.length > 0) throw new UsageError('name one restore point, or "latest"');
  const wish = wishOf(values);
  const statePath = statePathOf(io, values.state);
  const log = terminalLog(io);
  const { identity, client } = await openClient(io, log, statePath, TERMINAL_RETRY_MS);
  try {
    const { snapshots } = await client.snapshots({ signal: io.signal });
    const { snapshotId, captureMs } = chooseRestorePoint(snapshots, reference);
    if (!values.json)
      io.out(`Restoring ${wish.path} of ${snapshotId.slice(0, 8)}, the data of ${formatTime(captureMs)}.`);
    let restoredBytes = 0;
    const message = await tellEnd(
      { client, log, signal: io.signal },
      async (onGrant) =>
        await runRestoreDatabase({
          ...wish,
          statePath,
          identity,
          client,
          log,
          snapshotId,
          searchPath: io.env.searchPath ?? DEFAULT_SEARCH_PATH,
          signal: io.signal,
          ...(values.grant === undefined ? {} : { grantId: values.grant }),
          onGrant,
          onBytes: (bytes, of) => {
            restoredBytes = bytes;
            io.progress?.(`${formatBytes(bytes)} of ${formatBytes(of)}`);
          },
        }),
      (told) => ({ state: 'delivered', message: told, restored: { files: 1, bytes: restoredBytes } }),
    ).catch((error: unknown) => {
      if (isHoldfastError(error, 'grant_required') && values.grant === undefined)
        io.err('With a permission from the portal: holdfast restore-database … --grant ID');
      throw error;
    });
    io.progress?.('');
    io.out(values.json ? JSON.stringify({ snapshotId, path: wish.path, into: wish.into ?? null, message }) : message);
    return EXIT.done;
  } finally {
    client.close();
  }
}

type Wish = Pick<RestoreDatabaseOptions, 'path' | 'into' | 'create' | 'clean' | 'noOwner' | 'connection'>;

function wishOf(values: Values): Wish {
  const { path, host, socket, user } = values;
  if (path === undefined) throw new UsageError('the dump is missing: --path /postgres/…');
  const kind = dumpKind(path);
  if (kind === undefined) throw new UsageError(`${path} is no dump of a database; restore it with: holdfast restore`);
  if (values.into === undefined && kind !== 'globals') throw new UsageError('the target is missing: --into NAME');
  if (host !== undefined && socket !== undefined) throw new UsageError('--host and --socket exclude one another');
  const secret = values['secret-file'];
  const systemUser = values['system-user'];
  if (secret !== undefined && systemUser !== undefined)
    throw new UsageError('--secret-file and --system-user exclude one another');
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536))
    throw new UsageError(`--port needs a number, not "${values.port}"`);
  return {
    path,
    into: kind === 'sqlite' && values.into !== undefined ? resolve(values.into) : values.into,
    create: values.create,
    clean: values.clean,
    noOwner: values['no-owner'],
    connection: {
      user,
      login: secret === undefined ? { kind: 'peer', systemUser } : { kind: 'secret_file', path: resolve(secret) },
      host,
      port,
      socket,
      programFolder: values['program-folder'],
    },
  };
}
