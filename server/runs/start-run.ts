import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import type { RunStartRequest, RunStartResponse } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import { isRepairable } from '../damage/ask-repair.ts';
import { isPausedAsClone } from '../devices/clone-pause.ts';
import type { Services } from '../services.ts';

/** The protocol's bound. Where more are damaged, each repair shortens the list. */
const DAMAGED_KEYS_MAX = 10_000;

/**
 * Begins a run. One that still counts as running is ended first: the agent has one run at a time, so it was interrupted.
 * @throws HoldfastError not_found, vault_quarantined, conflict while the vault is not ready or a clone is about.
 */
export async function startRun(
  services: Services,
  scope: DeviceScope,
  request: RunStartRequest,
): Promise<RunStartResponse> {
  requireDevice(scope);
  return await applyChange(services, scope, async (change) => {
    const { tx, audit } = change;
    const vault = await tx.vault.findFirstOrThrow({ where: { tenantId: scope.tenantId, deviceId: scope.deviceId } });
    const source = await tx.source.findFirst({
      where: { tenantId: scope.tenantId, deviceId: scope.deviceId, id: request.sourceId },
    });
    if (source === null) throw new HoldfastError('not_found', 'The service has no such source for this machine.');
    assertUsable(vault.state);
    await assertNoClone(services, change, scope);
    await assertOwned(change, scope, request);
    const now = new Date(services.clock.nowMs());
    await tx.backupRun.updateMany({
      where: { tenantId: scope.tenantId, sourceId: source.id, state: 'running' },
      data: {
        state: 'aborted',
        finishedAt: now,
        errorCode: 'cancelled',
        errorMessage: 'It was interrupted; a newer run took over.',
      },
    });
    const runId = newId(services.clock);
    await tx.backupRun.create({
      data: {
        tenantId: scope.tenantId,
        id: runId,
        customerId: scope.customerId,
        deviceId: scope.deviceId,
        sourceId: source.id,
        vaultId: vault.id,
        occurrenceId: request.occurrenceId,
        commandId: request.commandId,
        trigger: request.trigger,
        state: 'running',
        startedAt: now,
        lastProgressAt: now,
      },
    });
    await audit('run.started', { kind: 'backup_run', id: runId }, { trigger: request.trigger });
    const parent = await tx.restorePoint.findFirst({
      where: { tenantId: scope.tenantId, sourceId: source.id, state: 'sealed' },
      orderBy: { captureAt: 'desc' },
      select: { snapshotId: true },
    });
    const damaged = await tx.storedObject.findMany({
      where: {
        tenantId: scope.tenantId,
        vaultId: vault.id,
        sealedAt: { not: null },
        state: { in: ['damaged', 'missing'] },
        kind: { in: ['data_pack', 'tree_pack', 'index'] },
      },
      select: { key: true },
      orderBy: { key: 'asc' },
      take: DAMAGED_KEYS_MAX,
    });
    const keys = new Set([...damaged.map(({ key }) => key), ...(await givenUp(change, scope, vault.id))]);
    return {
      runId,
      vaultId: vault.id,
      parentSnapshotId: parent?.snapshotId ?? null,
      damagedKeys: [...keys].slice(0, DAMAGED_KEYS_MAX),
    };
  });
}

/**
 * What was given up while the machine was silent. Its index still lists it: a machine that comes back after all must not take it
 * for stored, or its new restore points would lack what the old ones lack.
 */
async function givenUp({ tx }: Change, { tenantId }: DeviceScope, vaultId: string): Promise<string[]> {
  const losses = await tx.damage.findMany({
    where: { tenantId, vaultId, acceptedAt: { not: null }, events: { none: { kind: 'sent' } } },
    select: { keys: true },
    orderBy: { foundAt: 'desc' },
  });
  return losses.flatMap(({ keys }) => keys.filter(isRepairable));
}

function assertUsable(state: string): void {
  if (state === 'quarantined') {
    throw new HoldfastError(
      'vault_quarantined',
      'This machine’s vault is in quarantine because damage was found. No backup was made; your provider was alerted.',
    );
  }
  if (state !== 'ready')
    throw new HoldfastError('conflict', 'This machine’s vault is not ready yet. Finish the enrolment first.');
}

async function assertNoClone(services: Services, { tx }: Change, scope: DeviceScope): Promise<void> {
  const device = await tx.device.findFirstOrThrow({
    where: { tenantId: scope.tenantId, id: scope.deviceId },
    select: { suspectedCloneAt: true },
  });
  if (!isPausedAsClone(device.suspectedCloneAt, services.clock.nowMs())) return;
  throw new HoldfastError(
    'conflict',
    'Two machines use the identity of this one: it was cloned, or its disk was set back. So that their backups do not mix, neither is backed up now; what is stored is safe. Enrol the copy as a machine of its own, or switch it off: a day later the backups go on.',
  );
}

/** An occurrence or a command of another device is refused as if it did not exist. */
async function assertOwned({ tx }: Change, scope: DeviceScope, request: RunStartRequest): Promise<void> {
  const mine = { tenantId: scope.tenantId, deviceId: scope.deviceId };
  const occurrence =
    request.occurrenceId === null ||
    (await tx.expectedOccurrence.count({ where: { ...mine, id: request.occurrenceId } })) === 1;
  const command =
    request.commandId === null || (await tx.agentCommand.count({ where: { ...mine, id: request.commandId } })) === 1;
  if (!occurrence || !command)
    throw new HoldfastError('not_found', 'The service did not ask this machine for such a run.');
}
