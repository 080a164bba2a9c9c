/**
 * `npm start`: the whole service on this machine, and this machine as its first device, from nothing to a proven backup.
 * Everything it makes lies in one data folder; a second start finds it there. See docs/architecture.md, "One machine".
 *
 *   PORT (3000), GATEWAY_PORT (3001), HOLDFAST_DATA (.holdfast), HOLDFAST_PROTECT (this checkout); see .env.example
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../core/base/errors.ts';
import { lockDataFolder } from './start/data-lock.ts';
import { buildPortal, needsBuild } from './start/ensure-built.ts';
import { ensureGenerated } from './start/ensure-generated.ts';
import { agentEnvironment, portalUrl, serviceEnvironment } from './start/environment.ts';
import { ProcessLedger } from './start/process-ledger.ts';
import { agentSpec, gatewaySpec, KILLABLE, portalSpec, STOP_ORDER, workersSpec } from './start/programs.ts';
import { ProgressLine } from './start/progress-line.ts';
import { refuseObstacles } from './start/refuse-obstacles.ts';
import { loadSecrets } from './start/secrets.ts';
import { readSettings, refuseArguments, START_USAGE, type StartSettings } from './start/settings.ts';
import { beginFirstStart, dropUnusedDatabase, signInsPath, wasCutOff, writeSignIns } from './start/sign-ins.ts';
import { startDatabases } from './start/start-databases.ts';
import { Supervisor } from './start/supervisor.ts';

/** Ctrl-C reaches this process by the terminal and by npm: signals this close together are one wish. */
const ONE_WISH_MS = 1500;

const root = fileURLToPath(new URL('..', import.meta.url));
const progress = new ProgressLine(process.stdout);
const say = (sentence: string): void => progress.say(sentence);
const stopping = new AbortController();
let supervisor: Supervisor | undefined;
let release: () => void = () => {};
let ending: Promise<never> | undefined;

/** Stops everything in order and ends this process. Later callers wait for the first one. */
function end(exitCode: number): Promise<never> {
  ending ??= (async (): Promise<never> => {
    stopping.abort();
    await supervisor?.stop(STOP_ORDER);
    release();
    process.exit(exitCode);
  })();
  return ending;
}

function listenForSignals(): void {
  let firstMs: number | undefined;
  const onSignal = (): void => {
    if (firstMs === undefined) {
      firstMs = performance.now();
      say('Stopping. What runs is ended in order; press Ctrl-C again to end it at once.');
      void end(0);
    } else if (performance.now() - firstMs > ONE_WISH_MS) supervisor?.kill(KILLABLE);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  // Whoever read our output may leave before us.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    say(START_USAGE);
    return;
  }
  refuseArguments(args);
  const settings = readSettings(root, process.env);
  makeDataFolder(settings.dataPath);
  const lock = lockDataFolder(settings.dataPath);
  release = lock.release;
  const ledger = new ProcessLedger(settings.dataPath);
  if (lock.wasStale) say('An earlier start did not end in order; its lock is removed. Its data is kept.');
  const leftovers = await ledger.endLeftovers();
  if (leftovers.length > 0) say(`It had left running: ${leftovers.join(', ')}. They are ended now.`);
  await refuseObstacles(settings);
  const { secrets, rootKeyFile } = loadSecrets(settings.dataPath);
  supervisor = new Supervisor({ ledger, say, onHopeless: (error) => void fail(error) });

  say(`Holdfast keeps its data in ${settings.dataPath}`);
  await ensureGenerated(root);
  const built = buildIfNeeded();
  built.catch(() => {}); // awaited below; until then another failure may come first
  const outside = process.env;
  const databases = await startDatabases(settings, secrets, outside, supervisor, say);
  say(`  database  ${databases.databaseSource}`);
  say(`  queue     ${databases.queueSource}`);
  if (wasCutOff(settings) && !outside.DATABASE_URL) {
    say('An earlier first start was cut off before it wrote down its sign-ins; its empty database is made anew.');
    await dropUnusedDatabase(databases.addresses.databaseUrl);
  }
  beginFirstStart(settings);

  // Imported here: these need the generated database client.
  const { migrate } = await import('./migrate.ts');
  const { serviceUrl, queueUrl, databaseUrl } = databases.addresses;
  await migrate({
    databaseUrl,
    servicePassword: passwordOf(serviceUrl),
    queuePassword: queueUrl === undefined ? undefined : passwordOf(queueUrl),
    queueDatabaseUrl: queueUrl,
  });
  const environment = serviceEnvironment(settings, secrets, rootKeyFile, databases.addresses, outside);
  await runService(settings, environment, built);
}

async function runService(
  settings: StartSettings,
  environment: NodeJS.ProcessEnv,
  built: Promise<void>,
): Promise<void> {
  if (supervisor === undefined) throw new HoldfastError('internal', 'The service has no supervisor.');
  const [{ loadEnv }, { createServices }, { seedFirstStart }, { enrolThisMachine }, { followFirstProof }] =
    await Promise.all([
      import('../server/env.ts'),
      import('../server/services.ts'),
      import('../server/seed/first-start.ts'),
      import('./start/enrol-this-machine.ts'),
      import('./start/follow-first-proof.ts'),
    ]);
  const services = createServices(loadEnv({ ...environment, HOLDFAST_LOG_LEVEL: 'error' }));
  const { protectPath, deviceName } = settings;
  const seed = await seedFirstStart(services, {
    protectPaths: [protectPath],
    excludes: excludesFor(settings),
    deviceName,
  });
  const lines = seed.created ? writeSignIns(settings, seed.signIns) : [];

  await Promise.all([
    supervisor.start(gatewaySpec(settings, environment)),
    supervisor.start(workersSpec(settings, environment)),
  ]);
  const { signal } = stopping;
  const isNew = await enrolThisMachine(settings, {
    services,
    tenantId: seed.tenantId,
    token: seed.enrolmentToken,
    outside: process.env,
    signal,
  });
  if (isNew) say(`  device    ${deviceName} is enrolled; it protects ${protectPath}`);
  await built;
  await supervisor.start(portalSpec(settings, environment));
  if (lines.length > 0) for (const line of ['Sign-ins:', ...lines]) say(line);
  say(`Sign-ins are written in ${signInsPath(settings)}`);
  say(`Ready ${portalUrl(settings)}`);
  await supervisor.start(agentSpec(settings, agentEnvironment(settings, process.env)));
  await followFirstProof(services, seed.tenantId, progress, signal);
}

/** The build runs beside the start of the databases; pages are served when it is done. */
async function buildIfNeeded(): Promise<void> {
  if (!needsBuild(root)) return;
  say('  portal    is being built, about half a minute');
  await buildPortal(root, stopping.signal);
}

/** Never the service's own data, nor what a build or git rewrites while it is read. */
function excludesFor(settings: StartSettings): string[] {
  const literal = (text: string): string => text.replaceAll(/[\\*?[\]]/g, '\\$&');
  const inProtected = (name: string): string => literal(path.join(settings.protectPath, name));
  return [literal(settings.dataPath), inProtected('.holdfast'), inProtected('.next'), inProtected('.git/objects')];
}

function makeDataFolder(dataPath: string): void {
  try {
    for (const folder of ['', 'logs', 'scratch'])
      mkdirSync(path.join(dataPath, folder), { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC') throw error;
    throw new HoldfastError(
      'bad_request',
      `The data folder ${dataPath} cannot be made: ${message}. Name another folder in HOLDFAST_DATA.`,
      { cause: error },
    );
  }
}

const passwordOf = (url: string): string => decodeURIComponent(new URL(url).password);

/** Says what went wrong in one sentence where it is known, stops what runs, and ends with code 1. */
async function fail(error: unknown): Promise<void> {
  if (ending !== undefined) return; // a failure while stopping is a consequence of it
  const isFull = (error as NodeJS.ErrnoException | undefined)?.code === 'ENOSPC';
  if (isFull) say('The disk is full. Free some space and start again; what was backed up is safe.');
  else if (error instanceof HoldfastError) say(error.message);
  else say(`The start failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  await end(1);
}

listenForSignals();
process.on('unhandledRejection', (error) => void fail(error));
try {
  await main();
} catch (error) {
  await fail(error);
}
