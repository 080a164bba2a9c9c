import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { planPostgres } from '../services/postgres.ts';
import { findRedisServer, planRedis, putRedisDataAside, type RedisPlan } from '../services/redis.ts';
import type { ServiceAddresses } from './environment.ts';
import { logPath } from './programs.ts';
import type { Secrets } from './secrets.ts';
import type { StartSettings } from './settings.ts';
import type { Supervisor } from './supervisor.ts';

const DATABASE_NAME = 'holdfast';

export interface StartedDatabases {
  addresses: ServiceAddresses;
  /** For people: where each came from. */
  databaseSource: string;
  queueSource: string;
}

/**
 * Postgres and the queue: what the environment names, else private servers with their data in the data folder. Where there
 * is no Redis the queue runs on Postgres.
 */
export async function startDatabases(
  settings: StartSettings,
  secrets: Secrets,
  outside: NodeJS.ProcessEnv,
  supervisor: Supervisor,
  say: (sentence: string) => void,
): Promise<StartedDatabases> {
  const [database, redis] = await Promise.all([
    startPostgres(settings, secrets, outside, supervisor, say),
    startRedis(settings, secrets, outside, supervisor, say),
  ]);
  const serviceUrl =
    outside.DATABASE_SERVICE_URL || as(database.url, 'holdfast_service', secrets.databaseServicePassword);
  if (redis !== undefined) {
    return {
      addresses: { databaseUrl: database.url, serviceUrl, redisUrl: redis.url },
      databaseSource: database.source,
      queueSource: redis.source,
    };
  }
  const queueUrl = outside.QUEUE_DATABASE_URL || as(database.url, 'holdfast_queue', secrets.databaseQueuePassword);
  return {
    addresses: { databaseUrl: database.url, serviceUrl, queueUrl },
    databaseSource: database.source,
    queueSource: 'the same database (no Redis or Valkey was found)',
  };
}

async function startPostgres(
  settings: StartSettings,
  secrets: Secrets,
  outside: NodeJS.ProcessEnv,
  supervisor: Supervisor,
  say: (sentence: string) => void,
): Promise<{ url: string; source: string }> {
  if (outside.DATABASE_URL) return { url: outside.DATABASE_URL, source: 'DATABASE_URL' };
  const plan = await planPostgres({
    dataPath: path.join(settings.dataPath, 'postgres'),
    logPath: logPath(settings, 'postgres'),
    password: secrets.databaseAdminPassword,
  });
  for (const sentence of plan.mended) say(sentence);
  await supervisor.start(plan.spec);
  const url = new URL(plan.adminUrl);
  url.pathname = `/${DATABASE_NAME}`;
  return { url: url.toString(), source: `PostgreSQL from ${plan.source}` };
}

async function startRedis(
  settings: StartSettings,
  secrets: Secrets,
  outside: NodeJS.ProcessEnv,
  supervisor: Supervisor,
  say: (sentence: string) => void,
): Promise<{ url: string; source: string } | undefined> {
  if (outside.REDIS_URL) return { url: outside.REDIS_URL, source: 'REDIS_URL' };
  // Whoever names a queue on Postgres has decided; a Redis on PATH does not overrule it.
  if (outside.QUEUE_DATABASE_URL) return undefined;
  const executable = findRedisServer(outside.PATH);
  if (executable === undefined) return undefined;
  const dataPath = path.join(settings.dataPath, 'redis');
  const plan = (): Promise<RedisPlan> =>
    planRedis(executable, { dataPath, logPath: logPath(settings, 'redis'), password: secrets.redisPassword });
  let current = await plan();
  try {
    await supervisor.start(current.spec);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'cancelled') throw error;
    const aside = putRedisDataAside(dataPath, new Date());
    say(
      `Redis did not start on its data; that was put aside as ${aside}, and the queue is filled again from the database. Nothing is lost.`,
    );
    current = await plan();
    await supervisor.start(current.spec);
  }
  return { url: current.url, source: current.source };
}

function as(databaseUrl: string, user: string, password: string): string {
  const url = new URL(databaseUrl);
  url.username = user;
  url.password = password;
  return url.toString();
}
