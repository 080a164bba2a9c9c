/** A cluster of the benchmark's own, migrated, with the roles of a real one. */
import path from 'node:path';
import { migrate } from '../tools/migrate.ts';
import { planPostgres } from '../tools/services/postgres.ts';
import { startProgram } from '../tools/services/program.ts';

/** Of a cluster that listens on loopback while the benchmark runs; a folder that is kept is opened with the same. */
const PASSWORD = 'bench';

export interface BenchDatabase {
  readonly urls: { readonly databaseUrl: string; readonly serviceUrl: string; readonly queueUrl: string };
  /** Of the server's first process. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** Below `folder`, which may hold the data of an earlier run. `settings` are lines of postgresql.conf. */
export async function startBenchDatabase(folder: string, settings?: readonly string[]): Promise<BenchDatabase> {
  const plan = await planPostgres({
    dataPath: path.join(folder, 'data'),
    logPath: path.join(folder, 'postgres.log'),
    password: PASSWORD,
    ...(settings === undefined ? {} : { settings }),
  });
  const program = await startProgram(plan.spec);
  const as = (user: string): string => {
    const url = new URL(plan.adminUrl);
    url.username = user;
    url.password = PASSWORD;
    url.pathname = '/holdfast';
    return url.toString();
  };
  const urls = { databaseUrl: as('postgres'), serviceUrl: as('holdfast_service'), queueUrl: as('holdfast_queue') };
  try {
    await migrate({
      databaseUrl: urls.databaseUrl,
      servicePassword: PASSWORD,
      queuePassword: PASSWORD,
      queueDatabaseUrl: urls.queueUrl,
    });
  } catch (error) {
    await program.stop();
    throw error;
  }
  return { urls, pid: program.record.pid, stop: () => program.stop() };
}
