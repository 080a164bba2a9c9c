/** A device says that it lives, and hears what there is to do. */
import { type PolicyDocument, policyDocument, withTimeZone } from '../../core/domain/policy.ts';
import { decideRun } from '../../core/domain/run-decision.ts';
import { knownCommands } from '../../core/protocol/command-versions.ts';
import {
  agentCommand,
  type AgentCommand,
  type HeartbeatRequest,
  type HeartbeatResponse,
} from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { openAlert } from '../alerts/open-alert.ts';
import { appendAudit } from '../audit/append-audit.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import { endClonePause, isPausedAsClone } from './clone-pause.ts';
import { noteRestoreStarted } from '../restores/restore-requests.ts';
import { saveProgress } from '../runs/record-progress.ts';
import type { Services } from '../services.ts';

/** At the latest when there is something in the air, so that a click in the portal is felt on the machine. */
const NEXT_SECONDS_BUSY = 5;

export async function recordHeartbeat(
  services: Services,
  scope: DeviceScope,
  beat: HeartbeatRequest,
): Promise<HeartbeatResponse> {
  requireDevice(scope);
  return await withScope(services, scope, async (tx) => {
    const nowMs = services.clock.nowMs();
    await noteState(services, tx, scope, beat);
    if (beat.running !== null) await saveProgress(services, tx, scope, beat.running.runId, beat.running.progress);
    const device = await tx.device.findFirstOrThrow({
      where: { tenantId: scope.tenantId, id: scope.deviceId },
      include: { policy: true, vault: true, customer: { select: { timezone: true } } },
    });
    if (device.agentVersion !== beat.agentVersion) {
      await tx.device.update({
        where: { tenantId_id: { tenantId: scope.tenantId, id: device.id } },
        data: { agentVersion: beat.agentVersion },
      });
    }
    // With the customer's zone, which the agent has no other way to know.
    const policy = withTimeZone(policyDocument.parse(device.policy.document), device.customer.timezone);
    const isReady = device.vault?.state === 'ready';
    const isPaused = isPausedAsClone(device.suspectedCloneAt, nowMs);
    if (device.suspectedCloneAt !== null && !isPaused) await endClonePause(services, tx, scope);
    const due = isReady && !isPaused && beat.running === null ? await findDue(tx, scope, policy, nowMs) : null;
    const commands = await takeCommands(services, tx, scope, beat);
    const isQuiet = due === null && commands.length === 0 && beat.running === null;
    return {
      serverTimeMs: nowMs,
      nextInSeconds: Math.min(
        services.env.HOLDFAST_HEARTBEAT_SECONDS,
        isQuiet ? Number.POSITIVE_INFINITY : NEXT_SECONDS_BUSY,
      ),
      ...(device.policy.version === beat.policyVersion
        ? {}
        : { policy: { version: device.policy.version, document: policy } }),
      due,
      commands,
    };
  });
}

/** A sequence that goes backwards means two machines with one identity: a clone, or a restored disk (fault F7). */
async function noteState(services: Services, tx: Tx, scope: DeviceScope, beat: HeartbeatRequest): Promise<void> {
  const now = new Date(services.clock.nowMs());
  const advanced = await tx.deviceState.updateMany({
    where: { tenantId: scope.tenantId, deviceId: scope.deviceId, sequence: { lt: BigInt(beat.sequence) } },
    data: { sequence: BigInt(beat.sequence), lastSeenAt: now, policyVersion: beat.policyVersion },
  });
  if (advanced.count === 1) return;
  // Whoever it is, it lives: a machine whose disk was set back must not be called silent as well.
  await tx.deviceState.updateMany({
    where: { tenantId: scope.tenantId, deviceId: scope.deviceId },
    data: { lastSeenAt: now, policyVersion: beat.policyVersion },
  });
  const marked = await tx.device.updateMany({
    where: { tenantId: scope.tenantId, id: scope.deviceId, suspectedCloneAt: null },
    data: { suspectedCloneAt: now },
  });
  // Each further one makes the pause longer: while both are there, neither backs up.
  if (marked.count === 0)
    await tx.device.updateMany({
      where: { tenantId: scope.tenantId, id: scope.deviceId },
      data: { suspectedCloneAt: now },
    });
  if (marked.count === 0) return;
  const audit: Change['audit'] = async (...event) => await appendAudit(tx, scope, ...event);
  await openAlert(
    services,
    { tx, audit },
    {
      tenantId: scope.tenantId,
      customerId: scope.customerId,
      deviceId: scope.deviceId,
      kind: 'clone',
      title: 'Two machines use one identity',
      message:
        'A heartbeat with an old number arrived: the machine was cloned, or its disk was set back. Backups of both would mix, so neither is backed up now; what is stored is safe. Enrol the copy as a machine of its own, or switch it off: a day after its last call the backups go on.',
    },
  );
  await appendAudit(
    tx,
    scope,
    'device.clone_suspected',
    { kind: 'device', id: scope.deviceId },
    { sequence: beat.sequence },
  );
}

async function findDue(
  tx: Tx,
  scope: DeviceScope,
  policy: PolicyDocument,
  nowMs: number,
): Promise<HeartbeatResponse['due']> {
  const busy = await tx.backupRun.findFirst({
    where: { tenantId: scope.tenantId, deviceId: scope.deviceId, state: { in: ['running', 'committed'] } },
    select: { id: true },
  });
  if (busy !== null) return null;
  // The newest alone: after a long sleep one backup now serves better than one for each that was missed. One that was
  // missed or failed is offered as long as it is the newest, so that a machine catches up instead of waiting for the next.
  const occurrence = await tx.expectedOccurrence.findFirst({
    where: { tenantId: scope.tenantId, deviceId: scope.deviceId, dueAt: { lte: new Date(nowMs) } },
    orderBy: { dueAt: 'desc' },
    include: { runs: { select: { state: true, startedAt: true, finishedAt: true } } },
  });
  if (occurrence === null || !isWanting(occurrence.outcome)) return null;
  const dueMs = occurrence.dueAt.getTime();
  const tries = occurrence.runs.map(({ state, startedAt, finishedAt }) => ({
    startedMs: startedAt.getTime(),
    failedMs: state === 'failed' ? (finishedAt ?? startedAt).getTime() : null,
  }));
  // One that succeeded decides for itself; its verdict on the occurrence may be still to come.
  if (occurrence.runs.some(({ state }) => state !== 'failed' && state !== 'aborted')) return null;
  const decision = decideRun({ policy, deviceId: scope.deviceId, dueMs, tries, isRunning: false, nowMs });
  return decision.kind === 'start' ? { occurrenceId: occurrence.id, sourceId: occurrence.sourceId, dueMs } : null;
}

function isWanting(outcome: string | null): boolean {
  return outcome === null || outcome === 'missed' || outcome === 'failed' || outcome === 'stuck';
}

/** A command may be lost with the answer that carried it: what the agent does not say it holds comes again. It knows it by its id. */
async function takeCommands(
  services: Services,
  tx: Tx,
  scope: DeviceScope,
  { commandIds, agentVersion }: HeartbeatRequest,
): Promise<AgentCommand[]> {
  const pending = await tx.agentCommand.findMany({
    where: {
      tenantId: scope.tenantId,
      deviceId: scope.deviceId,
      state: { in: ['pending', 'delivered'] },
      id: { notIn: commandIds },
      // What it cannot read would take the whole answer with it. It waits for a newer agent.
      kind: { in: knownCommands(agentVersion) },
    },
    orderBy: { createdAt: 'asc' },
    take: 10,
  });
  if (pending.length === 0) return [];
  await tx.agentCommand.updateMany({
    where: { tenantId: scope.tenantId, id: { in: pending.map(({ id }) => id) } },
    data: { state: 'delivered', deliveredAt: new Date(services.clock.nowMs()) },
  });
  const commands = pending.map(({ id, kind, payload }) => agentCommand.parse({ ...(payload as object), id, kind }));
  const grantIds = commands.flatMap((command) => (command.kind === 'restore' ? [command.grantId] : []));
  if (grantIds.length > 0) await noteRestoreStarted(services, tx, scope.tenantId, grantIds);
  return commands;
}
