/** A database on a data folder of its own, and the portal on it when somebody wants to look. Stopped in order. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { HoldfastError } from '../../core/base/errors.ts';
import { lockDataFolder } from '../start/data-lock.ts';
import { buildPortal, needsBuild } from '../start/ensure-built.ts';
import { ensureGenerated } from '../start/ensure-generated.ts';
import { portalUrl, serviceEnvironment } from '../start/environment.ts';
import { ProcessLedger } from '../start/process-ledger.ts';
import { portalSpec, STOP_ORDER } from '../start/programs.ts';
import { loadSecrets } from '../start/secrets.ts';
import { readSettings } from '../start/settings.ts';
import { startDatabases } from '../start/start-databases.ts';
import { Supervisor } from '../start/supervisor.ts';

export interface DataFolderService {
  /** What the programs of the service would get. */
  readonly environment: NodeJS.ProcessEnv;
  /**
   * Work that writes millions of rows: meanwhile the service's role may leave out the checks of each row, and afterwards the
   * planner knows how many there are. Never for a database that is not this folder's own.
   */
  inBulk<T>(work: (analyze: () => Promise<void>) => Promise<T>): Promise<T>;
  /** @returns the address of the portal. */
  servePortal(): Promise<string>;
  stop(): Promise<void>;
}

const BUILD_MS_MAX = 10 * 60_000;

const root = fileURLToPath(new URL('../..', import.meta.url));

export async function startDataFolderService(
  dataPath: string,
  outside: NodeJS.ProcessEnv,
  say: (sentence: string) => void,
): Promise<DataFolderService> {
  // What the environment names may be somebody's real database: here all is the folder's own.
  const kept = Object.fromEntries(
    Object.entries(outside).filter(([name]) => !/^(?:DATABASE_|QUEUE_|REDIS_|HOLDFAST_|NEXTAUTH_)/.test(name)),
  );
  const settings = readSettings(root, { ...kept, HOLDFAST_DATA: path.resolve(dataPath) });
  mkdirSync(settings.dataPath, { recursive: true, mode: 0o700 });
  const lock = lockDataFolder(settings.dataPath);
  const ledger = new ProcessLedger(settings.dataPath);
  await ledger.endLeftovers();
  const supervisor = new Supervisor({ ledger, say, onHopeless: (error) => say(error.message) });
  const stop = async (): Promise<void> => {
    await supervisor.stop(STOP_ORDER);
    lock.release();
  };
  try {
    const { secrets, rootKeyFile } = loadSecrets(settings.dataPath);
    await ensureGenerated(root);
    const { addresses } = await startDatabases(settings, secrets, kept as NodeJS.ProcessEnv, supervisor, say);
    const { migrate } = await import('../migrate.ts');
    await migrate({
      databaseUrl: addresses.databaseUrl,
      servicePassword: new URL(addresses.serviceUrl).password,
      queuePassword: addresses.queueUrl === undefined ? undefined : new URL(addresses.queueUrl).password,
      queueDatabaseUrl: addresses.queueUrl,
    });
    const environment = serviceEnvironment(settings, secrets, rootKeyFile, addresses, kept as NodeJS.ProcessEnv);
    return {
      environment,
      stop,
      inBulk: async (work) => {
        const admin = new pg.Client({ connectionString: addresses.databaseUrl });
        const analyze = async (): Promise<void> => void (await admin.query('ANALYZE'));
        await admin.connect();
        try {
          await admin.query('GRANT SET ON PARAMETER session_replication_role TO holdfast_app');
          return await work(analyze);
        } finally {
          await admin.query('REVOKE SET ON PARAMETER session_replication_role FROM holdfast_app');
          await analyze();
          await admin.end();
        }
      },
      servePortal: async () => {
        if (needsBuild(root)) {
          say('The portal is being built, about half a minute.');
          await buildPortal(root, AbortSignal.timeout(BUILD_MS_MAX));
        }
        await supervisor.start(portalSpec(settings, environment));
        return portalUrl(settings);
      },
    };
  } catch (error) {
    await stop();
    throw error instanceof Error ? error : new HoldfastError('internal', 'The data folder could not be served.');
  }
}
