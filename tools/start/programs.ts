import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import type { ProgramSpec } from '../services/program.ts';
import { gatewayUrl, portalUrl } from './environment.ts';
import type { StartSettings } from './settings.ts';

/** The order in which everything stops: whoever needs another one first, databases last. */
export const STOP_ORDER = ['agent', 'portal', 'gateway', 'workers', 'Redis', 'Valkey', 'Postgres'] as const;
/** What a second Ctrl-C ends at once. Databases always stop in their own way. */
export const KILLABLE = ['agent', 'portal', 'gateway', 'workers'] as const;

/** Beyond this a log is put aside (one generation is kept) when its program starts. */
const LOG_BYTES_MAX = 20 * 1024 * 1024;

export function logPath(settings: StartSettings, name: string): string {
  const file = path.join(settings.dataPath, 'logs', `${name}.log`);
  if (existsSync(file) && statSync(file).size > LOG_BYTES_MAX) renameSync(file, `${file}.1`);
  return file;
}

export function portalSpec(settings: StartSettings, env: NodeJS.ProcessEnv): ProgramSpec {
  return {
    ...base(settings, 'portal', env),
    args: [
      inRoot(settings, 'node_modules/next/dist/bin/next'),
      'start',
      '-H',
      '127.0.0.1',
      '-p',
      String(settings.port),
    ],
    // openid-client of next-auth 4 uses url.parse(), of which Node warns on every start.
    env: { ...env, NODE_OPTIONS: `${env.NODE_OPTIONS ?? ''} --disable-warning=DEP0169`.trim() },
    stopTimeoutMs: 8000,
    isReady: () => answersOk(`${portalUrl(settings)}/api/health`),
  };
}

export function gatewaySpec(settings: StartSettings, env: NodeJS.ProcessEnv): ProgramSpec {
  return {
    ...base(settings, 'gateway', env),
    args: [inRoot(settings, 'gateway/main.ts')],
    isReady: () => answersOk(`${gatewayUrl(settings)}/readyz`),
  };
}

/**
 * Workers listen on nothing: they say in their log that they are ready. One process serves every queue here, for a second
 * one would cost a small machine another hundred megabytes; a provider runs them apart (docker/).
 */
export function workersSpec(settings: StartSettings, env: NodeJS.ProcessEnv): ProgramSpec {
  const spec = base(settings, 'workers', env);
  const linesBefore = countReadyLines(spec.logPath);
  return {
    ...spec,
    args: [inRoot(settings, 'workers/main.ts')],
    isReady: async () => countReadyLines(spec.logPath) > linesBefore,
  };
}

export function agentSpec(settings: StartSettings, env: NodeJS.ProcessEnv): ProgramSpec {
  return {
    ...base(settings, 'agent', env),
    command: inRoot(settings, 'bin/holdfast'),
    args: ['run'],
    // It has nothing to be ready for: it knocks at the gateway until that answers.
    isReady: async () => true,
  };
}

function base(settings: StartSettings, name: string, env: NodeJS.ProcessEnv): Omit<ProgramSpec, 'args' | 'isReady'> {
  return {
    name,
    command: process.execPath,
    env,
    cwd: settings.root,
    logPath: logPath(settings, name),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 27_000, // the programs promise 25 s
    readyTimeoutMs: 60_000,
  };
}

const inRoot = (settings: StartSettings, file: string): string => path.join(settings.root, file);

async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000), redirect: 'manual' });
  await response.body?.cancel();
  return response.status === 200;
}

function countReadyLines(file: string): number {
  return existsSync(file) ? readFileSync(file, 'utf8').split('workers ready').length - 1 : 0;
}
