import path from 'node:path';
import type { Secrets } from './secrets.ts';
import type { StartSettings } from './settings.ts';

export interface ServiceAddresses {
  /** As the administrator. */
  databaseUrl: string;
  /** As the role that the programs log in with. */
  serviceUrl: string;
  /** Where the queue runs; exactly one of the two. */
  redisUrl?: string;
  queueUrl?: string;
}

/**
 * What portal, gateway and workers get: what the person has set wins, the rest comes from the data folder. The
 * administrator's address of the database is not among it.
 */
export function serviceEnvironment(
  settings: StartSettings,
  secrets: Secrets,
  rootKeyFile: string,
  addresses: ServiceAddresses,
  outside: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const inData = (name: string): string => path.join(settings.dataPath, name);
  const defaults = {
    HOLDFAST_ROOT_KEY_FILE: rootKeyFile,
    HOLDFAST_STORE: 'file',
    HOLDFAST_STORE_PATH: inData('store'),
    HOLDFAST_STORE_SIGNING_KEY: secrets.storeSigningKey,
    HOLDFAST_SCRATCH_PATH: inData('scratch'),
    HOLDFAST_GATEWAY_URL: gatewayUrl(settings),
    GATEWAY_HOST: '127.0.0.1',
    NEXTAUTH_SECRET: secrets.nextAuthSecret,
    NEXTAUTH_URL: portalUrl(settings),
  };
  const environment: NodeJS.ProcessEnv = { ...outside };
  for (const [name, value] of Object.entries(defaults)) environment[name] ||= value;
  delete environment.DATABASE_URL;
  return {
    ...environment,
    NODE_ENV: 'production',
    NEXT_TELEMETRY_DISABLED: '1',
    PORT: String(settings.port),
    GATEWAY_PORT: String(settings.gatewayPort),
    DATABASE_SERVICE_URL: addresses.serviceUrl,
    QUEUE_DATABASE_URL: addresses.queueUrl ?? '',
    REDIS_URL: addresses.redisUrl ?? '',
  };
}

/** The agent is a program on a customer's machine: it gets nothing of the service but its own folder. */
export function agentEnvironment(settings: StartSettings, outside: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'HOLDFAST_LOG_LEVEL'];
  const environment: NodeJS.ProcessEnv = { NODE_ENV: 'production', HOLDFAST_AGENT_STATE: agentStatePath(settings) };
  for (const name of kept) if (outside[name] !== undefined) environment[name] = outside[name];
  return environment;
}

export const agentStatePath = (settings: StartSettings): string => path.join(settings.dataPath, 'agent');
export const portalUrl = (settings: StartSettings): string => `http://127.0.0.1:${settings.port}`;
export const gatewayUrl = (settings: StartSettings): string => `http://127.0.0.1:${settings.gatewayPort}`;
