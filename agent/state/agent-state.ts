/**
 * What the agent remembers between two moments: the policy it obeys, the commands it accepted, how the last run ended.
 * All of it can be lost without harm; a damaged file is set aside and the server's truth comes with the next heartbeat.
 */
import { rename } from 'node:fs/promises';
import { z } from 'zod';
import { policyDocument } from '../../core/domain/policy.ts';
import { agentCommand, commandResultRequest } from '../../core/protocol/messages.ts';
import { readFileIfPresent, writeFileAtomic } from './atomic-file.ts';
import { stateFiles } from './state-files.ts';

export const lastRun = z.strictObject({
  runId: z.uuid().nullable(),
  startedMs: z.int(),
  finishedMs: z.int(),
  /** waiting: committed, the service had not finished its checks when the agent stopped asking. */
  result: z.enum(['ok', 'partial', 'failed', 'cancelled', 'waiting']),
  snapshotId: z.string().nullable(),
  message: z.string(),
  /** Items that could not be read. Runs of an earlier agent have no count. */
  unreadCount: z.int().min(0).optional(),
});
export type LastRun = z.infer<typeof lastRun>;

const dueOccurrence = z.strictObject({ occurrenceId: z.uuid(), sourceId: z.uuid(), dueMs: z.int() });
export type DueOccurrence = z.infer<typeof dueOccurrence>;

const stateShape = z.strictObject({
  version: z.literal(1),
  policyVersion: z.int(),
  policy: policyDocument.nullable(),
  lastRun: lastRun.nullable(),
  lastSealed: z.strictObject({ snapshotId: z.string(), finishedMs: z.int() }).nullable(),
  lastHeartbeatMs: z.int().nullable(),
  /** The scheduled backup that is to be made: kept until it is, for the server names it only until a run has begun. */
  openDue: dueOccurrence.nullable(),
  /** Tries of the open one that did not succeed. */
  dueTries: z
    .array(z.strictObject({ startedMs: z.int(), failedMs: z.int().nullable() }))
    .max(20)
    .optional(),
  /** Accepted, not yet ended. `hasBegun` tells after a crash which one was cut short. */
  openCommands: z.array(z.strictObject({ command: agentCommand, hasBegun: z.boolean() })).max(100),
  /** Ended; the server has not confirmed that it knows. */
  unsentResults: z.array(z.strictObject({ id: z.uuid(), result: commandResultRequest })).max(200),
  /** The newest ended ones, so that a command that is delivered twice is done once. */
  endedCommandIds: z.array(z.uuid()).max(200),
});
export type AgentState = z.infer<typeof stateShape>;

export const emptyState: AgentState = {
  version: 1,
  policyVersion: 0,
  policy: null,
  lastRun: null,
  lastSealed: null,
  lastHeartbeatMs: null,
  openDue: null,
  openCommands: [],
  unsentResults: [],
  endedCommandIds: [],
};

export async function loadState(folder: string): Promise<AgentState> {
  const path = stateFiles.state(folder);
  const bytes = await readFileIfPresent(path);
  if (bytes === undefined) return emptyState;
  try {
    return stateShape.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    // Kept for whoever looks into it; starting over costs one heartbeat.
    await rename(path, `${path}.damaged`).catch(() => undefined);
    return emptyState;
  }
}

export async function saveState(folder: string, state: AgentState): Promise<void> {
  await writeFileAtomic(stateFiles.state(folder), `${JSON.stringify(state, null, 2)}\n`);
}
