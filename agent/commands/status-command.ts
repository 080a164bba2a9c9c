import { parseArgs } from 'node:util';
import { publicMessage } from '../../core/base/errors.ts';
import { decideRun } from '../../core/domain/run-decision.ts';
import { limitsWords, scheduleWords, speedWords } from '../../core/domain/schedule-words.ts';
import { nextExpected } from '../../core/domain/schedule.ts';
import { sourceWords } from '../../core/domain/source-words.ts';
import { limitAt, type SpeedLimit } from '../../core/domain/speed-limit.ts';
import { PROTOCOL_VERSION } from '../../core/protocol/version.ts';
import { type CommandIo, EXIT } from '../command-io.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import type { RestorePoint } from '../restore/run-restore.ts';
import { type AgentState, loadState } from '../state/agent-state.ts';
import { findIdentity, type Identity } from '../state/identity.ts';
import { stateFiles } from '../state/state-files.ts';
import { AGENT_VERSION } from '../version.ts';
import { formatAge, formatBytes, formatTime } from './figures.ts';
import { folderBytes } from './folder-bytes.ts';
import { clientFor, statePathOf } from './open-client.ts';
import { terminalLog } from './terminal-log.ts';

export const STATUS_HELP = `holdfast status [--json] [--state DIR]

What this machine knows of itself, and whether the service answers.
Exit code 0: enrolled and the service answers; 1: not enrolled, or no answer.`;

interface Status {
  readonly statePath: string;
  readonly device: {
    readonly name: string;
    readonly id: string;
    readonly customer: string;
    readonly vault: string;
  } | null;
  readonly server: { readonly url: string; readonly isReachable: boolean; readonly message: string } | null;
  readonly policyVersion: number | null;
  readonly protectedPaths: readonly string[];
  /** Databases, commands and folders with hooks, in words. */
  readonly protectedSources: readonly string[];
  readonly lastRun: AgentState['lastRun'];
  /** By the service when it answers, else as this machine saw it last. */
  readonly lastSealed: {
    readonly snapshotId: string;
    readonly captureMs: number | null;
    readonly sealedMs: number;
  } | null;
  readonly nextDueMs: number | null;
  /** Why the next backup comes then, and not before; null while no policy is known. */
  readonly nextWhy: string | null;
  readonly schedule: string | null;
  readonly pausedUntilMs: number | null;
  readonly limits: readonly string[];
  readonly limitInForce: SpeedLimit;
  /** Ends of commands that the service has not confirmed yet. */
  readonly unsentResults: number;
  readonly cacheBytes: number;
  readonly versions: { readonly agent: string; readonly protocol: number; readonly node: string };
}

export async function statusCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      state: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    io.out(STATUS_HELP);
    return EXIT.done;
  }
  const status = await readStatus(io, statePathOf(io, values.state));
  if (values.json) io.out(JSON.stringify(status));
  else for (const line of describe(status, Date.now())) io.out(line);
  return status.server?.isReachable === true ? EXIT.done : EXIT.failed;
}

async function readStatus(io: CommandIo, statePath: string): Promise<Status> {
  const identity = await findIdentity(statePath);
  const state = await loadState(statePath);
  const nowMs = Date.now();
  const pausedUntilMs = state.policy?.pausedUntilMs ?? 0;
  const client = identity === undefined ? undefined : clientFor(io, terminalLog(io), identity.serverUrl, identity);
  const answer = client === undefined ? undefined : await ask(client, io.signal);
  client?.close();
  const newest = answer?.points
    ?.filter(({ state: is }) => is === 'sealed')
    .toSorted((a, b) => b.sealedMs - a.sealedMs)[0];
  return {
    statePath,
    device:
      identity === undefined
        ? null
        : {
            name: identity.deviceName,
            id: identity.deviceId,
            customer: identity.customerName,
            vault: identity.vaultId,
          },
    server:
      identity === undefined || answer === undefined
        ? null
        : { url: identity.serverUrl, isReachable: answer.points !== undefined, message: answer.message },
    policyVersion: state.policy === null ? null : state.policyVersion,
    protectedPaths: state.policy?.paths ?? [],
    protectedSources: (state.policy?.sources ?? []).map(sourceWords),
    lastRun: state.lastRun,
    lastSealed:
      newest !== undefined
        ? { snapshotId: newest.snapshotId, captureMs: newest.captureMs, sealedMs: newest.sealedMs }
        : state.lastSealed === null
          ? null
          : { snapshotId: state.lastSealed.snapshotId, captureMs: null, sealedMs: state.lastSealed.finishedMs },
    ...nextBackup(identity, state, nowMs),
    schedule: state.policy === null ? null : scheduleWords(state.policy.schedule),
    pausedUntilMs: pausedUntilMs > nowMs ? pausedUntilMs : null,
    limits: limitsWords(state.policy?.limits),
    limitInForce: limitAt(state.policy?.limits, nowMs),
    unsentResults: state.unsentResults.length,
    cacheBytes: await folderBytes(stateFiles.cache(statePath)),
    versions: { agent: AGENT_VERSION, protocol: PROTOCOL_VERSION, node: process.versions.node },
  };
}

async function ask(
  client: GatewayClient,
  signal: AbortSignal,
): Promise<{ points: readonly RestorePoint[] | undefined; message: string }> {
  try {
    const { snapshots } = await client.snapshots({ retryForMs: 0, totalMs: 5_000, signal });
    return { points: snapshots, message: 'answers' };
  } catch (error) {
    return { points: undefined, message: publicMessage(error) };
  }
}

type NextBackup = Pick<Status, 'nextDueMs' | 'nextWhy'>;

/** When the next scheduled backup begins, and the rule that says so: the daemon's own (core/domain/run-decision.ts). */
export function nextBackup(identity: Identity | undefined, state: AgentState, nowMs: number): NextBackup {
  const { policy, openDue, dueTries = [] } = state;
  if (identity === undefined || policy === null) return { nextDueMs: null, nextWhy: null };
  const { deviceId } = identity;
  const pausedUntilMs = policy.pausedUntilMs ?? 0;
  if (openDue !== null) {
    const { dueMs } = openDue;
    const decision = decideRun({ policy, deviceId, dueMs, tries: dueTries, isRunning: false, nowMs });
    if (decision.kind === 'start') return { nextDueMs: dueMs, nextWhy: START_WORDS[decision.why] };
    if (decision.kind === 'wait') return { nextDueMs: decision.untilMs, nextWhy: WAIT_WORDS[decision.why] };
  }
  const next = nextExpected(policy.schedule, deviceId, Math.max(nowMs, pausedUntilMs));
  return { nextDueMs: next?.dueMs ?? null, nextWhy: nowMs < pausedUntilMs ? WAIT_WORDS.paused : 'by the schedule' };
}

const START_WORDS = {
  due: 'its time has come',
  caught_up: 'one was missed and is caught up',
  retry: 'the last try did not succeed',
} as const;
const WAIT_WORDS = {
  not_due: 'by the schedule',
  running: 'a backup is under way',
  paused: 'scheduled backups are paused until then',
  retry: 'the last try did not succeed; it is tried again',
} as const;

function describe(status: Status, nowMs: number): string[] {
  const { device, server, lastRun, lastSealed, nextDueMs } = status;
  if (device === null || server === null) {
    return [
      `This machine is not enrolled (state folder ${status.statePath}).`,
      'Ask your provider for a token and run: holdfast enroll --server URL --token TOKEN',
    ];
  }
  const row = (name: string, text: string): string => `${name.padEnd(14)}${text}`;
  return [
    row('Device', `${device.name} of ${device.customer} (${device.id})`),
    row('Vault', device.vault),
    row('Service', `${server.url}: ${server.message}`),
    row('State folder', status.statePath),
    row('Policy', status.policyVersion === null ? 'not known yet' : `version ${status.policyVersion}`),
    ...[...status.protectedPaths, ...status.protectedSources].map((what, at) => row(at === 0 ? 'Protects' : '', what)),
    row(
      'Last run',
      lastRun === null
        ? 'none yet'
        : `${formatTime(lastRun.finishedMs)}, ${lastRun.result}${unreadWords(lastRun.unreadCount)}: ${lastRun.message}`,
    ),
    row(
      'Last sealed',
      lastSealed === null
        ? 'nothing yet'
        : `${lastSealed.snapshotId.slice(0, 8)}, ${formatAge(nowMs - (lastSealed.captureMs ?? lastSealed.sealedMs))} old`,
    ),
    row(
      'Next backup',
      nextDueMs === null
        ? 'not known yet'
        : `${nextDueMs <= nowMs ? 'due now' : formatTime(nextDueMs)}${status.nextWhy === null ? '' : `: ${status.nextWhy}`}`,
    ),
    ...(status.pausedUntilMs === null ? [] : [row('Paused', `until ${formatTime(status.pausedUntilMs)}`)]),
    ...(status.schedule === null ? [] : [row('Schedule', status.schedule)]),
    row('Speed now', limitRow(status.limitInForce)),
    ...status.limits.map((words, at) => row(at === 0 ? 'Limits' : '', words)),
    ...(status.unsentResults === 0
      ? []
      : [
          row(
            'Unsent',
            `${status.unsentResults} ${status.unsentResults === 1 ? 'result waits' : 'results wait'} for the service`,
          ),
        ]),
    row('Cache', formatBytes(status.cacheBytes)),
    row(
      'Versions',
      `agent ${status.versions.agent}, protocol ${status.versions.protocol}, Node ${status.versions.node}`,
    ),
  ];
}

function unreadWords(count = 0): string {
  return count === 0 ? '' : ` (${count} ${count === 1 ? 'item' : 'items'} not read)`;
}

function limitRow(limit: SpeedLimit): string {
  const until = limit.changesAtMs === null ? '' : `, until ${formatTime(limit.changesAtMs)}`;
  return `${speedWords(limit)}${until}`;
}
