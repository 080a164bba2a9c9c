import { parseArgs } from 'node:util';
import { publicMessage } from '../../core/base/errors.ts';
import { expectedTimes } from '../../core/domain/schedule.ts';
import { type CommandIo, EXIT } from '../command-io.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import type { RestorePoint } from '../restore/run-restore.ts';
import { type AgentState, loadState } from '../state/agent-state.ts';
import { findIdentity, type Identity } from '../state/identity.ts';
import { formatAge, formatTime } from './figures.ts';
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
  readonly lastRun: AgentState['lastRun'];
  /** By the service when it answers, else as this machine saw it last. */
  readonly lastSealed: {
    readonly snapshotId: string;
    readonly captureMs: number | null;
    readonly sealedMs: number;
  } | null;
  readonly nextDueMs: number | null;
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
    lastRun: state.lastRun,
    lastSealed:
      newest !== undefined
        ? { snapshotId: newest.snapshotId, captureMs: newest.captureMs, sealedMs: newest.sealedMs }
        : state.lastSealed === null
          ? null
          : { snapshotId: state.lastSealed.snapshotId, captureMs: null, sealedMs: state.lastSealed.finishedMs },
    nextDueMs: identity === undefined ? null : nextDue(identity, state, Date.now()),
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

function nextDue(identity: Identity, state: AgentState, nowMs: number): number | null {
  if (state.openDue !== null) return state.openDue.dueMs;
  if (state.policy === null) return null;
  const { schedule } = state.policy;
  const untilMs = nowMs + 2 * schedule.everyMinutes * 60_000;
  return expectedTimes(schedule, identity.deviceId, nowMs, untilMs)[0]?.dueMs ?? null;
}

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
    row('Device', `${device.name} of ${device.customer}`),
    row('Service', `${server.url}: ${server.message}`),
    row('State folder', status.statePath),
    row('Policy', status.policyVersion === null ? 'not known yet' : `version ${status.policyVersion}`),
    ...status.protectedPaths.map((path, at) => row(at === 0 ? 'Protects' : '', path)),
    row(
      'Last run',
      lastRun === null ? 'none yet' : `${formatTime(lastRun.finishedMs)}, ${lastRun.result}: ${lastRun.message}`,
    ),
    row(
      'Last sealed',
      lastSealed === null
        ? 'nothing yet'
        : `${lastSealed.snapshotId.slice(0, 8)}, ${formatAge(nowMs - (lastSealed.captureMs ?? lastSealed.sealedMs))} old`,
    ),
    row('Next backup', nextDueMs === null ? 'not known yet' : nextDueMs <= nowMs ? 'due now' : formatTime(nextDueMs)),
  ];
}
