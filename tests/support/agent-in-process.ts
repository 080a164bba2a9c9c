/** The agent's own commands without a process each, for tests that need many machines. */
import { backupCommand } from '../../agent/commands/backup-command.ts';
import { enrollCommand } from '../../agent/commands/enroll-command.ts';
import { loadAgentEnv } from '../../agent/env.ts';

const COMMANDS = { enroll: enrollCommand, backup: backupCommand };

/** @returns what it printed. It fails the test when the command does not end with 0. */
export async function agentInProcess(
  statePath: string,
  name: keyof typeof COMMANDS,
  ...args: readonly string[]
): Promise<string> {
  const lines: string[] = [];
  const print = (line: string): void => void lines.push(line);
  const code = await COMMANDS[name](args, {
    out: print,
    err: print,
    progress: undefined,
    signal: new AbortController().signal,
    readInput: async () => await Promise.resolve(''),
    env: loadAgentEnv({ HOLDFAST_AGENT_STATE: statePath, PATH: process.env.PATH ?? '', HOLDFAST_LOG_LEVEL: 'error' }),
  });
  if (code !== 0) throw new Error(`holdfast ${name} ended with ${code}: ${lines.join('\n')}`);
  return lines.join('\n');
}
