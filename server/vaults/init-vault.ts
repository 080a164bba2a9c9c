/** A new vault's config and key files: the only objects besides packs that an agent may put into a repository itself. */
import { HoldfastError } from '../../core/base/errors.ts';
import type { UploadGrant, VaultInitRequest } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

const UPLOAD_MS = 30 * 60_000;
/** restic's config and key files are a few hundred bytes; these are read whole when the vault is opened. */
const OBJECT_BYTES_MAX = 64 * 1024;

/**
 * Records the repository and gives the upload URLs. Repeatable until the vault is ready: an enrolment that was interrupted
 * begins again with a new repository.
 * @throws HoldfastError conflict when the vault is in use; commit_invalid for objects that do not fit the keys.
 */
export async function initVault(
  services: Services,
  scope: DeviceScope,
  request: VaultInitRequest,
): Promise<{ uploads: UploadGrant[] }> {
  requireDevice(scope);
  assertObjects(request);
  const expiresMs = services.clock.nowMs() + UPLOAD_MS;
  const prefix = await applyChange(services, scope, async ({ tx, audit }) => {
    const vault = await tx.vault.findFirst({
      where: { tenantId: scope.tenantId, deviceId: scope.deviceId, id: request.vaultId },
    });
    if (vault === null) throw new HoldfastError('not_found', 'The service has no such vault for this machine.');
    if (vault.state !== 'new')
      throw new HoldfastError('conflict', 'This machine’s vault is in use already; it was not touched.');
    const isEscrowed = vault.custody === 'escrowed';
    const hasDrillKey = request.keys.some(({ principal }) => principal === 'drill');
    if (isEscrowed !== (request.drillPassword !== undefined) || isEscrowed !== hasDrillKey) {
      throw new HoldfastError(
        'commit_invalid',
        'The drill key does not fit the custody that was agreed for this vault.',
      );
    }
    const tenant = await tx.tenant.findFirstOrThrow({ where: { id: scope.tenantId } });
    const place = { table: 'vault', row: vault.id, column: 'drill_password_sealed' };
    const sealed =
      request.drillPassword === undefined
        ? null
        : services.keys.seal(tenant, place, Buffer.from(request.drillPassword));
    await tx.storedObject.deleteMany({ where: { tenantId: scope.tenantId, vaultId: vault.id, state: 'leased' } });
    await tx.storedObject.createMany({
      data: request.objects.map(({ key, kind, size, crc32c }) => ({
        tenantId: scope.tenantId,
        customerId: scope.customerId,
        vaultId: vault.id,
        key,
        kind,
        size: BigInt(size),
        crc32c,
        state: 'leased',
        leaseExpiresAt: new Date(expiresMs),
      })),
    });
    await tx.vault.update({
      where: { tenantId_id: { tenantId: scope.tenantId, id: vault.id } },
      data: {
        repositoryId: request.repositoryId,
        configSha256: request.configSha256,
        keys: request.keys,
        drillPasswordSealed: sealed === null ? null : Uint8Array.from(sealed),
      },
    });
    await audit(
      'vault.initialised',
      { kind: 'vault', id: vault.id },
      { repositoryId: request.repositoryId, keys: request.keys },
    );
    return vault.prefix;
  });
  // Every repository has its config under the same name: what an interrupted enrolment left there would refuse the new one.
  // The vault is still new, so nothing was ever backed up with it.
  await services.store.remove(`${prefix}/config`);
  const uploads = await Promise.all(
    request.objects.map(async ({ key, size, crc32c }): Promise<UploadGrant> => {
      const sha256 = key === 'config' ? request.configSha256 : key.slice('keys/'.length);
      const signed = await services.store.signUpload(`${prefix}/${key}`, { size, crc32c, sha256, expiresMs });
      return { key, state: 'upload', url: signed.url, headers: { ...signed.headers } };
    }),
  );
  return { uploads };
}

function assertObjects(request: VaultInitRequest): void {
  const wanted = new Set(['config', ...request.keys.map(({ id }) => `keys/${id}`)]);
  const given = request.objects.map(({ key }) => key);
  const fits =
    given.length === wanted.size &&
    new Set(given).size === wanted.size &&
    given.every((key) => wanted.has(key)) &&
    request.objects.every(
      ({ key, kind, size }) => kind === (key === 'config' ? 'config' : 'key') && size <= OBJECT_BYTES_MAX,
    );
  if (!fits)
    throw new HoldfastError(
      'commit_invalid',
      'A new vault takes its config and the key files that it names, and nothing else.',
    );
}
