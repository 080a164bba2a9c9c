/** Orders the rolling checks that are due: a listing of each vault a day, its reading and decryption a share at a time. */
import {
  DECRYPTING,
  firstRunMs,
  LISTING,
  nextRunMs,
  READING,
  type Rotation,
} from '../../core/domain/verification-pace.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { VaultCheck } from '../db/generated/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { addVerification } from './queue-verification.ts';

interface Turn {
  readonly level: 0 | 1 | 2;
  readonly rotation: Rotation;
  readonly due: 'listingDueAt' | 'readingDueAt' | 'decryptingDueAt';
}

const TURNS: readonly Turn[] = [
  { level: 0, rotation: LISTING, due: 'listingDueAt' },
  { level: 1, rotation: READING, due: 'readingDueAt' },
  { level: 2, rotation: DECRYPTING, due: 'decryptingDueAt' },
];
/** Vaults of one sweep: ten thousand that fall due at once are ordered by the next ones. */
const VAULTS_MAX = 200;

/** One open check a vault and level, held by a unique index; what is due stays due until it was ordered. */
export async function orderRolling(services: Services, claim: Claim): Promise<void> {
  await beginRotations(services, claim);
  const { tenantId } = claim.scope;
  const now = new Date(services.clock.nowMs());
  for (const { level, rotation, due } of TURNS) {
    const vaults = await withScope(services, claim.scope, (tx) =>
      tx.vaultCheck.findMany({
        where: {
          tenantId,
          [due]: { lte: now },
          device: { revokedAt: null },
          vault: {
            state: 'ready',
            objects: { some: { sealedAt: { not: null }, kind: 'snapshot' } },
            verifications: { none: { purpose: 'rolling', level, state: { in: ['queued', 'running'] } } },
            ...(level === 2 ? { drillPasswordSealed: { not: null } } : {}),
          },
        },
        orderBy: { [due]: 'asc' },
        take: VAULTS_MAX,
      }),
    );
    for (const vault of vaults) await order(services, claim, vault, { level, rotation, due });
  }
}

/** A row for each vault that has none; spread by the vault's id, so that a fleet is not read in one hour. */
async function beginRotations(services: Services, claim: Claim): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  const fresh = await withScope(services, claim.scope, (tx) =>
    tx.vault.findMany({
      where: { tenantId, state: 'ready', check: { is: null } },
      select: { id: true, customerId: true, deviceId: true },
      take: 1000,
    }),
  );
  if (fresh.length === 0) return;
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    await tx.vaultCheck.createMany({
      data: fresh.map(({ id, customerId, deviceId }) => {
        const spread = Number.parseInt(id.slice(-8), 16) / 2 ** 32;
        const at = (rotation: Rotation): Date => new Date(firstRunMs(rotation, nowMs, spread));
        const due = { listingDueAt: at(LISTING), readingDueAt: at(READING), decryptingDueAt: at(DECRYPTING) };
        return { tenantId, vaultId: id, customerId, deviceId, ...due };
      }),
      skipDuplicates: true,
    });
  });
}

async function order(
  services: Services,
  claim: Claim,
  vault: VaultCheck,
  { level, rotation, due }: Turn,
): Promise<void> {
  const { tenantId, vaultId } = vault;
  await applyChange(services, claim.scope, async (change) => {
    await claim.guard(change.tx);
    const id = await addVerification(services, change, vault, { purpose: 'rolling', level });
    await change.tx.vaultCheck.update({
      where: { tenantId_vaultId: { tenantId, vaultId } },
      data: { [due]: new Date(nextRunMs(rotation, vault[due].getTime(), services.clock.nowMs())) },
    });
    await change.audit('verification.requested', { kind: 'vault', id: vaultId }, { verificationId: id, level });
  });
}
