import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { openDrillPassword } from '../vaults/open-drill-password.ts';
import { chooseObjects } from './choose-objects.ts';

/** A stored object whose bytes are to be read. */
export interface ObjectToVerify {
  readonly key: string;
  /** Bytes, by the ledger. */
  readonly size: number;
  /** What the bytes must hash to: the name, and for the config what was recorded when the vault was made. */
  readonly sha256: string;
}

/**
 * point: what a restore point needs. rolling: a turn of a whole vault. trace: who needs what was found damaged. repair: whether
 * what the machine sent again makes it whole.
 */
export type VerificationPurpose = 'point' | 'rolling' | 'trace' | 'repair';

export interface VerificationWork {
  readonly tenantId: string;
  readonly id: string;
  readonly customerId: string;
  readonly deviceId: string;
  readonly vaultId: string;
  readonly vaultPrefix: string;
  readonly purpose: VerificationPurpose;
  readonly level: 0 | 1 | 2;
  readonly restorePointId: string | null;
  readonly damageId: string | null;
  /** Nobody waits for it: it makes way while the device backs up. */
  readonly isPatient: boolean;
  readonly startedMs: number;
  /** Those that this verification has not read yet: an interrupted one goes on where it was. */
  readonly objects: readonly ObjectToVerify[];
  /** Names that the point needs and the ledger does not know. */
  readonly unknownKeys: readonly string[];
  readonly objectsTotal: number;
  readonly bytesTotal: number;
  /** Objects that earlier attempts found wrong once, and right when they read them again. */
  readonly readTwice: number;
  /** The drill key's, where the service holds it and the work needs it. */
  readonly password: string | undefined;
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
    const { vault, restorePoint, ...verification } = found;
    const startedAt = found.startedAt ?? new Date(services.clock.nowMs());
    const chosen = await chooseObjects(tx, { verification, vault, point: restorePoint, startedAt });
    await tx.verification.update({
      where: { tenantId_id: { tenantId: scope.tenantId, id: verificationId } },
      data: {
        state: 'running',
        startedAt,
        pausedAt: null,
        objectsTotal: chosen.objectsTotal,
        objectsDone: chosen.objectsTotal - chosen.objects.length,
        bytesTotal: BigInt(chosen.bytesTotal),
        bytesDone: BigInt(chosen.bytesTotal - chosen.objects.reduce((bytes, { size }) => bytes + size, 0)),
      },
    });
    const isDecrypting = found.level === 2 && vault.drillPasswordSealed !== null;
    return {
      tenantId: scope.tenantId,
      id: verificationId,
      customerId: found.customerId,
      deviceId: found.deviceId,
      vaultId: found.vaultId,
      vaultPrefix: vault.prefix,
      purpose: found.purpose as VerificationPurpose, // held by a CHECK constraint of the database
      level: found.level as 0 | 1 | 2, // as above
      restorePointId: found.restorePointId,
      damageId: found.damageId,
      isPatient: found.purpose === 'rolling' || !found.readsAll,
      startedMs: startedAt.getTime(),
      readTwice: found.readTwice,
      ...chosen,
      password: isDecrypting ? await openDrillPassword(services, tx, vault) : undefined,
    };
  });
}
