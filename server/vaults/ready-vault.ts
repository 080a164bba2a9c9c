import { createHash } from 'node:crypto';
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/** Checks that config and key files arrived as announced, byte for byte, and opens the vault for backups. Repeatable. */
export async function readyVault(
  services: Services,
  scope: DeviceScope,
  { vaultId }: { readonly vaultId: string },
): Promise<{ state: 'ready' }> {
  requireDevice(scope);
  const vault = await withScope(services, scope, (tx) =>
    tx.vault.findFirst({
      where: { tenantId: scope.tenantId, deviceId: scope.deviceId, id: vaultId },
      include: { objects: { where: { kind: { in: ['config', 'key'] } } } },
    }),
  );
  if (vault === null) throw new HoldfastError('not_found', 'The service has no such vault for this machine.');
  if (vault.state === 'ready') return { state: 'ready' };
  if (vault.state !== 'new' || vault.configSha256 === null) {
    throw new HoldfastError('conflict', 'This vault cannot be opened: it was not prepared, or it is quarantined.');
  }
  for (const { key } of vault.objects) {
    const sha256 = key === 'config' ? vault.configSha256 : key.slice('keys/'.length);
    await assertStored(services, `${vault.prefix}/${key}`, sha256);
  }
  await applyChange(services, scope, async ({ tx, audit }) => {
    const now = new Date(services.clock.nowMs());
    await tx.storedObject.updateMany({
      where: { tenantId: scope.tenantId, vaultId, kind: { in: ['config', 'key'] }, state: 'leased' },
      data: { state: 'sealed', sealedAt: now, verifiedAt: now },
    });
    await tx.vault.updateMany({
      where: { tenantId: scope.tenantId, id: vaultId, state: 'new' },
      data: { state: 'ready', readyAt: now },
    });
    await audit('vault.ready', { kind: 'vault', id: vaultId }, { repositoryId: vault.repositoryId });
  });
  return { state: 'ready' };
}

async function assertStored(services: Services, key: string, sha256: string): Promise<void> {
  let bytes: Uint8Array;
  try {
    bytes = await services.store.get(key);
  } catch (error) {
    if (!isHoldfastError(error, 'object_missing')) throw error;
    throw new HoldfastError('object_missing', 'A file of the new vault did not arrive. Enrol again.', { cause: error });
  }
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw new HoldfastError('object_mismatch', 'A file of the new vault arrived damaged. Enrol again.', {
      detail: { key },
    });
  }
}
