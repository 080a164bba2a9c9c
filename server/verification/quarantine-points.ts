/** Damage found: who needs what is damaged, and what follows for it. */
import type { Change } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';
import { enqueueRollups } from '../sla/enqueue-rollups.ts';
import { selectObjects } from './objects-by-key.ts';

/** damaged: other bytes than were stored. contents: the bytes are right, and what they hold cannot be opened or is listed wrongly. */
export type Problem = 'damaged' | 'missing' | 'contents';

export interface Finding {
  readonly key: string;
  readonly problem: Problem;
}

/** Kept with the object. */
export const PROBLEM_TEXTS: Readonly<Record<Problem, string>> = {
  damaged: 'Found damaged when its bytes were checked.',
  missing: 'Found missing when it was looked for.',
  contents: 'Its bytes are those that were stored, and what they hold cannot be opened.',
};

/** For people, behind "is" or "are". */
export const PROBLEM_WORDS: Readonly<Record<Problem, string>> = {
  damaged: 'damaged',
  missing: 'missing',
  contents: 'unreadable inside',
};

interface PointRow {
  readonly id: string;
  readonly sourceId: string;
  readonly customerId: string;
  readonly captureAt: Date;
  readonly sealedAt: Date;
}

/**
 * The points of that state that cannot be restored whole without these objects. A pack: those whose manifest lists it. A snapshot:
 * its own. An index file: those that need a pack of the run which brought it, for only that run's packs are in it. The
 * config, or every key file: all. One key file of several: none, for another opens the vault.
 */
export async function pointsThatNeed(
  tx: Tx,
  vault: { readonly tenantId: string; readonly vaultId: string },
  findings: readonly Pick<Finding, 'key'>[],
  state: 'sealed' | 'quarantined',
): Promise<PointRow[]> {
  const bad = findings.map(({ key }) => key);
  const idsIn = (folder: string): string[] =>
    bad.filter((key) => key.startsWith(folder)).map((key) => key.split('/').at(-1)!);
  const keyFiles = await tx.storedObject.findMany({
    where: { ...vault, kind: 'key', state: 'sealed' },
    select: { key: true },
  });
  const hasIntactKey = keyFiles.some(({ key }) => !bad.includes(key));
  const isAll = bad.includes('config') || (bad.some((key) => key.startsWith('keys/')) && !hasIntactKey);
  const packIds = idsIn('data/');
  const objects = await selectObjects(tx, vault, bad);
  const runIds = objects.flatMap(({ kind, runId }) => (kind !== 'index' || runId === null ? [] : [runId]));
  if (runIds.length > 0) {
    const brought = await tx.$queryRaw<{ key: string }[]>`
      SELECT key FROM stored_object WHERE tenant_id = ${vault.tenantId}::uuid AND vault_id = ${vault.vaultId}::uuid
        AND kind IN ('data_pack', 'tree_pack') AND run_id = ANY (${runIds}::uuid[])`;
    for (const { key } of brought) packIds.push(key.split('/').at(-1)!);
  }
  return await tx.$queryRaw<PointRow[]>`
    SELECT id, source_id AS "sourceId", customer_id AS "customerId", capture_at AS "captureAt", sealed_at AS "sealedAt"
    FROM restore_point
    WHERE tenant_id = ${vault.tenantId}::uuid AND vault_id = ${vault.vaultId}::uuid AND state = ${state}
      -- Hashed: an overlap of two arrays compares each with each, and both may have tens of thousands.
      AND (${isAll} OR EXISTS (SELECT FROM unnest(pack_ids) AS pack(id) WHERE pack.id = ANY (${packIds}::text[])) OR snapshot_id = ANY (${idsIn('snapshots/')}::text[])
        OR run_id = ANY (${runIds}::uuid[]))`;
}

/** Locks those points away, each with an audit entry, and has the months that they counted in computed again. @returns their ids. */
export async function quarantinePoints(
  services: Services,
  change: Change,
  place: { readonly tenantId: string; readonly vaultId: string; readonly timeZone: string },
  findings: readonly Finding[],
): Promise<string[]> {
  const { tx } = change;
  const points = await pointsThatNeed(tx, { tenantId: place.tenantId, vaultId: place.vaultId }, findings, 'sealed');
  const reason =
    findings.length === 1
      ? `A stored object that it needs is ${PROBLEM_WORDS[findings[0]!.problem]}.`
      : `${findings.length} stored objects of the vault are damaged or missing, and it needs one of them.`;
  for (const point of points) {
    await quarantinePoint(change, { tenantId: place.tenantId, id: point.id }, reason);
    await enqueueRollups(
      services,
      change,
      {
        tenantId: place.tenantId,
        customerId: point.customerId,
        sourceId: point.sourceId,
        timeZone: place.timeZone,
      },
      point.sealedAt.getTime(),
      'point_locked',
    );
  }
  return points.map(({ id }) => id);
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
