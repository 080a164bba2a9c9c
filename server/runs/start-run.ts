import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import type { RunStartRequest, RunStartResponse } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

/**
 * Begins a run. One that still counts as running is ended first: the agent has one run at a time, so it was interrupted.
 * @throws HoldfastError not_found, vault_quarantined, conflict while the vault is not ready.
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
    return { runId, vaultId: vault.id, parentSnapshotId: parent?.snapshotId ?? null };
  });
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
