import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startProgram } from '../../tools/services/program.ts';
import { findRedisServer, planRedis } from '../../tools/services/redis.ts';

export interface TestRedis {
  url: string;
  /** Ends the server; its address stays. */
  halt(): Promise<void>;
  /** Starts it again on that address, with what its file kept or with nothing. */
  resume(kept: 'kept' | 'nothing'): Promise<void>;
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
  let server = await startProgram(plan.spec);
  return {
    url: plan.url,
    halt: async () => await server.stop(),
    resume: async (kept) => {
      if (kept === 'nothing') {
        rmSync(path.join(folder, 'data'), { recursive: true, force: true });
        mkdirSync(path.join(folder, 'data'));
      }
      server = await startProgram(plan.spec);
    },
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
