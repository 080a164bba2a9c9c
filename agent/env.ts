/** The only reader of process.env in the agent. Everything else gets values by parameter. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export interface AgentEnv {
  /** Folder with identity, cache, canary and recovery kit. Absolute. */
  readonly statePath: string;
  readonly logLevel: string;
  /** For enrolment without the token in the process list. */
  readonly enrolmentToken: string | undefined;
  /** HTTP(S)_PROXY and NO_PROXY, which machines behind a company's proxy need. */
  readonly proxyEnv: Readonly<Record<string, string>>;
}

const SYSTEM_STATE = '/var/lib/holdfast';

export function loadAgentEnv(source: Readonly<Record<string, string | undefined>> = process.env): AgentEnv {
  const isRoot = process.getuid?.() === 0;
  const own = source.HOLDFAST_AGENT_STATE;
  const proxies = {
    HTTP_PROXY: source.HTTP_PROXY || source.http_proxy,
    HTTPS_PROXY: source.HTTPS_PROXY || source.https_proxy,
    NO_PROXY: source.NO_PROXY || source.no_proxy,
  };
  const set = Object.entries(proxies).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return {
    statePath: own ? resolve(own) : isRoot ? SYSTEM_STATE : join(homedir(), '.local', 'state', 'holdfast'),
    logLevel: source.HOLDFAST_LOG_LEVEL || 'info',
    enrolmentToken: source.HOLDFAST_ENROLMENT_TOKEN || undefined,
    proxyEnv: Object.fromEntries(set),
  };
}
