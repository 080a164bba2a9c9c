import { withScope } from '../db/with-scope.ts';
import type { Tx } from '../db/client.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';

/** A stored object whose bytes are to be read and hashed. */
export interface ObjectToVerify {
  readonly key: string;
  /** Bytes, by the ledger. */
  readonly size: number;
  /** What the bytes must hash to: the name, and for the config what was recorded when the vault was made. */
  readonly sha256: string;
}

export interface VerificationWork {
  readonly tenantId: string;
  readonly id: string;
  readonly customerId: string;
  readonly deviceId: string;
  readonly vaultId: string;
  readonly vaultPrefix: string;
  readonly restorePointId: string;
  /** Those that this verification has not read yet: an interrupted one goes on where it was. */
  readonly objects: readonly ObjectToVerify[];
  /** Names that the point needs and the ledger does not know. */
  readonly unknownKeys: readonly string[];
  readonly objectsTotal: number;
  readonly bytesTotal: number;
}

/** Marks the verification as running and says what there is to read. Undefined: it has ended already. */
export async function beginVerification(
  services: Services,
  claim: Claim,
  verificationId: string,
): Promise<VerificationWork | undefined> {
  const { scope } = claim;
  return await withScope(services, scope, async (tx) => {
    await claim.guard(tx);
    const found = await tx.verification.findUnique({
      where: { tenantId_id: { tenantId: scope.tenantId, id: verificationId } },
      include: { vault: true, restorePoint: { select: { packIds: true, snapshotId: true } } },
    });
    if (found === null || (found.state !== 'queued' && found.state !== 'running')) return undefined;
    const startedAt = found.startedAt ?? new Date(services.clock.nowMs());
    const { needed, unknownKeys } = await neededObjects(tx, found.vault, found.restorePoint);
    const isRead = (row: NeededRow): boolean =>
      found.startedAt !== null && row.state === 'sealed' && row.verifiedAt !== null && row.verifiedAt > startedAt;
    const left = needed.filter((row) => !isRead(row));
    const sum = (rows: readonly NeededRow[]): number => rows.reduce((bytes, row) => bytes + Number(row.size), 0);
    const bytesTotal = sum(needed);
    await tx.verification.update({
      where: { tenantId_id: { tenantId: scope.tenantId, id: verificationId } },
      data: {
        state: 'running',
        startedAt,
        objectsTotal: needed.length,
        objectsDone: needed.length - left.length,
        bytesTotal: BigInt(bytesTotal),
        bytesDone: BigInt(bytesTotal - sum(left)),
      },
    });
    return {
      tenantId: scope.tenantId,
      id: verificationId,
      customerId: found.customerId,
      deviceId: found.deviceId,
      vaultId: found.vaultId,
      vaultPrefix: found.vault.prefix,
      restorePointId: found.restorePointId,
      objects: left.map(({ key, size }) => ({
        key,
        size: Number(size),
        sha256: key === 'config' ? (found.vault.configSha256 ?? '') : key.split('/').at(-1)!,
      })),
      unknownKeys,
      objectsTotal: needed.length,
      bytesTotal,
    };
  });
}

interface NeededRow {
  readonly key: string;
  readonly size: bigint;
  readonly state: string;
  readonly verifiedAt: Date | null;
}

/**
 * Everything that a restore of the point reads: its packs, its snapshot, the config, the keys, and every index of the vault,
 * for a reader opens them all (stock restic stops at the first one that is damaged).
 */
async function neededObjects(
  tx: Tx,
  vault: { readonly tenantId: string; readonly id: string },
  point: { readonly packIds: readonly string[]; readonly snapshotId: string },
): Promise<{ needed: NeededRow[]; unknownKeys: string[] }> {
  const rows = await tx.storedObject.findMany({
    where: { tenantId: vault.tenantId, vaultId: vault.id, sealedAt: { not: null } },
    select: { key: true, kind: true, size: true, state: true, verifiedAt: true },
    orderBy: { key: 'asc' },
  });
  const wanted = new Set(point.packIds.map((id) => `data/${id.slice(0, 2)}/${id}`));
  wanted.add(`snapshots/${point.snapshotId}`).add('config');
  const isNeeded = (row: (typeof rows)[number]) => wanted.has(row.key) || row.kind === 'index' || row.kind === 'key';
  const needed = rows.filter(isNeeded);
  for (const { key } of needed) wanted.delete(key);
  return { needed, unknownKeys: [...wanted] };
}
