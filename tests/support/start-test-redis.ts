import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startProgram } from '../../tools/services/program.ts';
import { findRedisServer, planRedis } from '../../tools/services/redis.ts';

export interface TestRedis {
  url: string;
  stop(): Promise<void>;
}

/** A private Redis or Valkey with its data in a temporary folder. Fails, and never skips, where there is none. */
export async function startTestRedis(): Promise<TestRedis> {
  const executable = findRedisServer();
  if (executable === undefined) {
    throw new Error(
      'There is no redis-server or valkey-server (6.2 or newer) on PATH. Run "apt-get install redis-server".',
    );
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-test-redis-'));
  const plan = await planRedis(executable, {
    dataPath: path.join(folder, 'data'),
    logPath: path.join(folder, 'log'),
    password: 'test-redis',
  });
  const server = await startProgram(plan.spec);
  return {
    url: plan.url,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
