/** The only reader of process.env in the agent. Everything else gets values by parameter. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export interface AgentEnv {
  /** Folder with identity, cache, canary and recovery kit. Absolute. */
  readonly statePath: string;
  /** Folder for what can be made again, of repositories that are used without a server. Absolute. */
  readonly cachePath: string;
  readonly logLevel: string;
  /** PATH: where the programs of databases are looked for. */
  readonly searchPath: string | undefined;
  /** For enrolment without the token in the process list. */
  readonly enrolmentToken: string | undefined;
  /** HTTP(S)_PROXY and NO_PROXY, which machines behind a company's proxy need. */
  readonly proxyEnv: Readonly<Record<string, string>>;
}

const SYSTEM_STATE = '/var/lib/holdfast';

export function loadAgentEnv(source: Readonly<Record<string, string | undefined>> = process.env): AgentEnv {
  const isRoot = process.getuid?.() === 0;
  const own = source.HOLDFAST_AGENT_STATE;
  const cache = source.XDG_CACHE_HOME;
  const proxies = {
    HTTP_PROXY: source.HTTP_PROXY || source.http_proxy,
    HTTPS_PROXY: source.HTTPS_PROXY || source.https_proxy,
    NO_PROXY: source.NO_PROXY || source.no_proxy,
  };
  const set = Object.entries(proxies).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return {
    statePath: own ? resolve(own) : isRoot ? SYSTEM_STATE : join(homedir(), '.local', 'state', 'holdfast'),
    // As the XDG specification has it: a path that is not absolute counts as none.
    cachePath: join(cache?.startsWith('/') ? cache : join(homedir(), '.cache'), 'holdfast'),
    searchPath: source.PATH || undefined,
    logLevel: source.HOLDFAST_LOG_LEVEL || 'info',
    enrolmentToken: source.HOLDFAST_ENROLMENT_TOKEN || undefined,
    proxyEnv: Object.fromEntries(set),
  };
}

/** One variable, for what a person has written into a file of patterns: `$HOME/cache`. */
export function environmentVariable(name: string): string | undefined {
  return process.env[name];
}
