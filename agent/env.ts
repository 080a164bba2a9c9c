/** The only reader of the environment in the agent. */
import { homedir } from 'node:os';
import path from 'node:path';

export interface AgentEnv {
  /** Folder with identity, policy, cache and canary. */
  readonly stateDir: string;
  readonly logLevel: string;
}

const SYSTEM_STATE = '/var/lib/holdfast';

export function loadAgentEnv(source: Readonly<Record<string, string | undefined>> = process.env): AgentEnv {
  const own = source.HOLDFAST_AGENT_STATE;
  const isRoot = process.getuid?.() === 0;
  const stateDir = own ? path.resolve(own) : isRoot ? SYSTEM_STATE : path.join(homedir(), '.local/state/holdfast');
  return { stateDir, logLevel: source.HOLDFAST_LOG_LEVEL ?? 'info' };
}
