import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { isPartialAccepted } from '../../core/domain/sla/partial.ts';
import { toChangeColumns } from '../alerts/change-columns.ts';
import { resolveAlert } from '../alerts/open-alert.ts';
import { watchQuota } from '../alerts/watch-quota.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Claim } from '../jobs/claims.ts';
import { resolveOccurrences } from '../schedule/resolve-occurrences.ts';
import type { Services } from '../services.ts';
import { enqueueRollups } from '../sla/enqueue-rollups.ts';
import { queueVerification } from '../verification/queue-verification.ts';
import type { SealWork } from './load-seal.ts';
import { watchGrowth } from './watch-growth.ts';
import { watchSize } from './watch-size.ts';

/** Packs of one statement: a first backup brings thousands, and a list of parameters has an end. */
const KEYS_A_STATEMENT = 5000;
const TIMEOUT_MS = 120_000;

/**
 * Every object was checked and lies in the vault: the run is sealed, the restore point exists, and its verification waits.
 * One transaction. Repeatable: a run that is sealed already changes nothing.
 * @throws HoldfastError commit_invalid when another run sealed the same snapshot.
 */
export async function recordSeal(services: Services, claim: Claim, work: SealWork): Promise<void> {
  const { scope } = claim;
  const now = new Date(services.clock.nowMs());
  const { run, manifest } = work;
  const outcome = manifest.unreadCount === 0 ? 'ok' : 'partial';
  await applyChange(
    services,
    scope,
    async (change) => {
      const { tx } = change;
      await claim.guard(tx);
      await change.audit(
        'run.sealed',
        { kind: 'backup_run', id: run.id },
        { snapshotId: manifest.snapshotId, outcome, unread: manifest.unreadCount },
      );
      const sealed = await tx.backupRun.updateMany({
        where: { tenantId: scope.tenantId, id: run.id, state: 'committed' },
        data: { state: 'sealed', outcome, finishedAt: now },
      });
      if (sealed.count === 0) return;
      await sealObjects(change, work, now);
      await watchSize(services, change, work);
      const pointId = await createPoint(services, change, work, outcome, now);
      const place = {
        tenantId: scope.tenantId,
        customerId: run.customerId,
        deviceId: run.deviceId,
        vaultId: run.vaultId,
      };
      await queueVerification(services, change, { ...place, id: pointId }, { readsAll: false });
      await resolveOccurrences(services, tx, { tenantId: scope.tenantId, sourceId: run.sourceId });
      await resolveAlert(services, change, run, 'run_failed');
      await resolveAlert(services, change, run, 'missed');
      await resolveAlert(services, change, run, 'stuck');
      await watchGrowth(services, change, work);
      await watchQuota(services, change, run);
      await enqueueRollups(
        services,
        change,
        { tenantId: scope.tenantId, customerId: run.customerId, sourceId: run.sourceId, timeZone: work.timeZone },
        run.startedAt.getTime(),
        'backup_sealed',
      );
    },
    { timeoutMs: TIMEOUT_MS },
  );
}

async function sealObjects({ tx }: Change, { run, manifest }: SealWork, now: Date): Promise<void> {
  const keys = manifest.objects.map(({ key }) => key);
  for (let at = 0; at < keys.length; at += KEYS_A_STATEMENT)
    await tx.storedObject.updateMany({
      where: {
        tenantId: run.tenantId,
        vaultId: run.vaultId,
        key: { in: keys.slice(at, at + KEYS_A_STATEMENT) },
        state: { not: 'sealed' },
      },
      data: { state: 'sealed', sealedAt: now, runId: run.id, leaseExpiresAt: null, problem: null },
    });
}

async function createPoint(
  services: Services,
  { tx }: Change,
  { run, manifest, policy }: SealWork,
  outcome: 'ok' | 'partial',
  now: Date,
): Promise<string> {
  const twin = await tx.restorePoint.findFirst({
    where: { tenantId: run.tenantId, vaultId: run.vaultId, snapshotId: manifest.snapshotId },
    select: { id: true },
  });
  if (twin !== null)
    throw new HoldfastError(
      'commit_invalid',
      'The backup was not accepted: its snapshot was sealed by an earlier run.',
    );
  const committedAt = run.committedAt ?? now;
  const id = newId(services.clock);
  await tx.restorePoint.create({
    data: {
      tenantId: run.tenantId,
      id,
      customerId: run.customerId,
      deviceId: run.deviceId,
      sourceId: run.sourceId,
      vaultId: run.vaultId,
      runId: run.id,
      snapshotId: manifest.snapshotId,
      treeId: manifest.treeId,
      // The device's clock: it may run ahead, but nothing is younger than the moment at which it reached us.
      captureAt: new Date(Math.min(manifest.captureMs, committedAt.getTime())),
      committedAt,
      sealedAt: now,
      state: 'sealed',
      outcome,
      isUsable: outcome === 'ok' || isPartialAccepted(partialFacts(manifest), policy.partialToleranceShare),
      files: BigInt(manifest.selected.files),
      bytes: BigInt(Math.round(manifest.selected.bytes)),
      storedBytes: BigInt(Math.round(manifest.added.storedBytes)),
      addedBytes: BigInt(Math.round(manifest.added.bytes)),
      ...toChangeColumns(manifest.changes),
      packIds: manifest.packIds,
      witness: manifest.witness,
    },
  });
  return id;
}

function partialFacts({ unread, unreadBytes, selected }: SealWork['manifest']) {
  return { unread, unreadBytes, selectedBytes: selected.bytes };
}
