/**
 * From which version on an agent knows a kind of command. What it does not know it must never be sent: an agent reads the whole
 * answer to its heartbeat or nothing of it, and one that cannot read it hears nothing any more, backups included.
 */
import type { AgentCommand } from './messages.ts';

type CommandKind = AgentCommand['kind'];

/** Null: every agent that ever spoke this protocol. */
export const COMMAND_SINCE: Readonly<Record<CommandKind, string | null>> = {
  backup_now: null,
  restore: null,
  repair: '0.1.0',
  drill: '0.1.0',
};

export function knowsCommand(kind: CommandKind, agentVersion: string): boolean {
  const since = COMMAND_SINCE[kind];
  return since === null || !isOlder(agentVersion, since);
}

/** The kinds that an agent of that version can be sent. */
export function knownCommands(agentVersion: string): CommandKind[] {
  return (Object.keys(COMMAND_SINCE) as CommandKind[]).filter((kind) => knowsCommand(kind, agentVersion));
}

/** A version that cannot be read is older than any; one before a release (0.1.0-rc.1) is older than the release. */
function isOlder(version: string, than: string): boolean {
  const a = parse(version);
  const b = parse(than);
  if (a === undefined || b === undefined) return true;
  for (const at of [0, 1, 2, 3]) if (a[at] !== b[at]) return (a[at] ?? 0) < (b[at] ?? 0);
  return false;
}

/** The last number: 0 before the release, 1 from it on. */
function parse(version: string): number[] | undefined {
  const found = /^(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(?:\+.*)?$/.exec(version);
  return found === null ? undefined : [...found.slice(1, 4).map(Number), found[4] === undefined ? 1 : 0];
}
