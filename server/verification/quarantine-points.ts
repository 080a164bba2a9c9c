/** Damage found: who needs what is damaged, and what follows for it. */
import type { Change } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';
import { enqueueRollups } from '../sla/enqueue-rollups.ts';

export interface Finding {
  readonly key: string;
  readonly problem: 'damaged' | 'missing';
}

interface PointRow {
  readonly id: string;
  readonly sourceId: string;
  readonly customerId: string;
  readonly sealedAt: Date;
}

/**
 * The sealed points that cannot be restored whole without these objects. A pack: those whose manifest lists it. A snapshot:
 * its own. An index file: those that need a pack of the run which brought it, for only that run's packs are in it. The
 * config, or every key file: all. One key file of several: none, for another opens the vault.
 */
async function pointsThatNeed(
  tx: Tx,
  vault: { readonly tenantId: string; readonly vaultId: string },
  findings: readonly Finding[],
): Promise<PointRow[]> {
  const bad = findings.map(({ key }) => key);
  const idsIn = (folder: string): string[] =>
    bad.filter((key) => key.startsWith(folder)).map((key) => key.split('/').at(-1)!);
  const intactKeys = await tx.storedObject.count({
    where: { ...vault, kind: 'key', state: 'sealed', key: { notIn: bad } },
  });
  const isAll = bad.includes('config') || (bad.some((key) => key.startsWith('keys/')) && intactKeys === 0);
  const packIds = idsIn('data/');
  const indexes = await tx.storedObject.findMany({
    where: { ...vault, kind: 'index', key: { in: bad } },
    select: { runId: true },
  });
  const runIds = indexes.flatMap(({ runId }) => (runId === null ? [] : [runId]));
  if (runIds.length > 0) {
    const brought = await tx.storedObject.findMany({
      where: { ...vault, kind: { in: ['data_pack', 'tree_pack'] }, runId: { in: runIds } },
      select: { key: true },
    });
    packIds.push(...brought.map(({ key }) => key.split('/').at(-1)!));
  }
  return await tx.$queryRaw<PointRow[]>`
    SELECT id, source_id AS "sourceId", customer_id AS "customerId", sealed_at AS "sealedAt" FROM restore_point
    WHERE tenant_id = ${vault.tenantId}::uuid AND vault_id = ${vault.vaultId}::uuid AND state = 'sealed'
      AND (${isAll} OR pack_ids && ${packIds}::text[] OR snapshot_id = ANY (${idsIn('snapshots/')}::text[])
        OR run_id = ANY (${runIds}::uuid[]))`;
}

/** Locks those points away, each with an audit entry, and has the months that they counted in computed again. */
export async function quarantinePoints(
  services: Services,
  change: Change,
  place: { readonly tenantId: string; readonly vaultId: string; readonly timeZone: string },
  findings: readonly Finding[],
): Promise<number> {
  const { tx } = change;
  const points = await pointsThatNeed(tx, { tenantId: place.tenantId, vaultId: place.vaultId }, findings);
  const reason =
    findings.length === 1
      ? `A stored object that it needs is ${findings[0]!.problem}.`
      : `${findings.length} stored objects of the vault are damaged or missing, and it needs one of them.`;
  for (const point of points) {
    await quarantinePoint(change, { tenantId: place.tenantId, id: point.id }, reason);
    await enqueueRollups(
      change,
      { id: point.sourceId, customerId: point.customerId, timeZone: place.timeZone },
      point.sealedAt.getTime(),
      services.clock.nowMs(),
    );
  }
  return points.length;
}

/** One point. It stays what it is in the store; nothing restores from it and it counts for nothing. */
export async function quarantinePoint(
  { tx, audit }: Change,
  point: { readonly tenantId: string; readonly id: string },
  reason: string,
): Promise<void> {
  await tx.restorePoint.updateMany({
    where: { tenantId: point.tenantId, id: point.id, state: 'sealed' },
    data: { state: 'quarantined', isUsable: false, quarantineReason: reason },
  });
  await audit('restore_point.quarantined', { kind: 'restore_point', id: point.id }, { reason });
}
