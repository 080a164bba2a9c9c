import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { findOnPath } from './find-on-path.ts';
import { freePort } from './free-port.ts';
import type { ProgramSpec } from './program.ts';

export interface RedisPlan {
  spec: ProgramSpec;
  source: string;
  url: string;
}

/** BullMQ's Lua scripts need streams and more (5.0); 6.2 is what it recommends and what is tested. */
const VERSION_MIN = [6, 2] as const;

/** The Redis or Valkey on PATH that is new enough; undefined when there is none, and the queue then runs on Postgres. */
export function findRedisServer(searchPath?: string): string | undefined {
  for (const name of ['valkey-server', 'redis-server']) {
    const found = findOnPath(name, searchPath);
    if (found !== undefined && isNewEnough(found)) return found;
  }
  return undefined;
}

function isNewEnough(executable: string): boolean {
  try {
    const text = execFileSync(executable, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const [, major = '0', minor = '0'] = /v=(\d+)\.(\d+)/.exec(text) ?? [];
    return Number(major) > VERSION_MIN[0] || (Number(major) === VERSION_MIN[0] && Number(minor) >= VERSION_MIN[1]);
  } catch {
    return false;
  }
}

/**
 * A private server on a free loopback port: append-only file, so that a restart keeps the queue, and no eviction, because an
 * evicted job would be a lost wake-up. The settings go in by standard input, so that the password is in no process list.
 */
export async function planRedis(
  executable: string,
  options: { dataPath: string; logPath: string; password: string },
): Promise<RedisPlan> {
  const dataPath = path.resolve(options.dataPath);
  mkdirSync(dataPath, { recursive: true, mode: 0o700 });
  const port = await freePort();
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${JSON.stringify(dataPath)}`,
    `requirepass ${options.password}`,
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
    'daemonize no',
  ];
  return {
    source: executable,
    url: `redis://:${encodeURIComponent(options.password)}@127.0.0.1:${port}`,
    spec: {
      name: path.basename(executable) === 'valkey-server' ? 'Valkey' : 'Redis',
      command: executable,
      args: ['-'],
      env: process.env,
      input: `${settings.join('\n')}\n`,
      logPath: options.logPath,
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 10_000,
      readyTimeoutMs: 20_000,
      isReady: () => answersPing(port, options.password),
    },
  };
}

/** Nothing is true in Redis alone, so a damaged append-only file is put aside and the queue is filled again from Postgres. */
export function putRedisDataAside(dataPath: string, now: Date): string | undefined {
  if (!existsSync(dataPath)) return undefined;
  const aside = `${dataPath}.damaged-${now.toISOString().replaceAll(/[:.]/g, '-')}`;
  renameSync(dataPath, aside);
  return aside;
}

/** While it loads its file Redis accepts connections and refuses commands, so an open port is not yet an answer. */
function answersPing(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    let answer = '';
    const end = (isReady: boolean): void => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setTimeout(2000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
      if (answer.includes('+PONG')) end(true);
      else if (answer.includes('-')) end(false);
    });
  });
}
