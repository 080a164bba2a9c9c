/** Upload leases: signed, create-only URLs, each bound to one name, size and checksum. */
import { HoldfastError } from '../../core/base/errors.ts';
import type { ManifestObject } from '../../core/protocol/manifest.ts';
import type { LeaseRequest, LeaseResponse, UploadGrant } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { BackupRun, StoredObject } from '../db/generated/client.ts';
import type { Services } from '../services.ts';
import { stagedKey, vaultPrefix } from '../storage/object-store.ts';
import { assertOpen, findRun } from './find-run.ts';

const LEASE_MS = 30 * 60_000;

/**
 * @throws HoldfastError not_found, run_not_open; forbidden for config and keys; commit_invalid for a name that does not fit
 * its kind; object_mismatch when the ledger knows the name with other bytes. Nothing is leased then.
 */
export async function leaseObjects(
  services: Services,
  scope: DeviceScope,
  runId: string,
  request: LeaseRequest,
): Promise<LeaseResponse> {
  requireDevice(scope);
  for (const object of request.objects) assertLeasable(object);
  const expiresMs = services.clock.nowMs() + LEASE_MS;
  const { run, known } = await withScope(services, scope, async (tx) => {
    const open = await findRun(tx, scope, runId);
    assertOpen(open);
    return { run: open, known: await recordLeases(tx, scope, open, request.objects, new Date(expiresMs)) };
  });
  const uploads = await Promise.all(
    request.objects.map(async (object) => await grant(services, run, object, known.get(object.key), expiresMs)),
  );
  return { expiresMs, uploads };
}

const PLACES: Readonly<Record<ManifestObject['kind'], string | undefined>> = {
  data_pack: 'data/',
  tree_pack: 'data/',
  index: 'index/',
  snapshot: 'snapshots/',
  key: undefined,
  config: undefined,
};

function assertLeasable({ key, kind }: ManifestObject): void {
  const place = PLACES[kind];
  if (place === undefined) {
    throw new HoldfastError('forbidden', 'Keys and configuration of a vault in use cannot be uploaded.');
  }
  const id = key.split('/').at(-1) ?? '';
  const fits = key.startsWith(place) && (place !== 'data/' || key === `data/${id.slice(0, 2)}/${id}`);
  if (!fits) throw new HoldfastError('commit_invalid', `The name ${key} does not fit what it is said to be.`);
}

/** Writes the ledger's rows; returns those that were there before. */
async function recordLeases(
  tx: Tx,
  scope: DeviceScope,
  run: BackupRun,
  objects: readonly ManifestObject[],
  leaseExpiresAt: Date,
): Promise<Map<string, StoredObject>> {
  const here = { tenantId: scope.tenantId, vaultId: run.vaultId };
  const rows = await tx.storedObject.findMany({ where: { ...here, key: { in: objects.map(({ key }) => key) } } });
  const known = new Map(rows.map((row) => [row.key, row]));
  for (const object of objects) {
    const row = known.get(object.key);
    if (row !== undefined && (row.size !== BigInt(object.size) || row.crc32c !== object.crc32c)) {
      throw new HoldfastError(
        'object_mismatch',
        `The vault knows ${object.key} with other bytes. Nothing was overwritten.`,
      );
    }
  }
  await tx.storedObject.createMany({
    data: objects.map(({ key, kind, size, crc32c }) => ({
      ...here,
      customerId: scope.customerId,
      key,
      kind,
      size: BigInt(size),
      crc32c,
      state: 'leased',
      runId: run.id,
      leaseExpiresAt,
    })),
    skipDuplicates: true,
  });
  // What an interrupted run leased, this one takes over.
  await tx.storedObject.updateMany({
    where: { ...here, key: { in: objects.map(({ key }) => key) }, state: { in: ['leased', 'missing'] } },
    data: { state: 'leased', runId: run.id, leaseExpiresAt, problem: null },
  });
  return known;
}

async function grant(
  services: Services,
  run: BackupRun,
  object: ManifestObject,
  known: StoredObject | undefined,
  expiresMs: number,
): Promise<UploadGrant> {
  const { key, size, crc32c } = object;
  if (known?.state === 'sealed' || known?.state === 'committed') return { key, state: 'present' };
  const place = placeOf(run, object);
  if (known !== undefined) {
    const stored = await services.store.head(place);
    if (stored !== undefined && stored.size === size && stored.crc32c === crc32c) return { key, state: 'present' };
  }
  const sha256 = key.split('/').at(-1) ?? '';
  const signed = await services.store.signUpload(place, { size, crc32c, sha256, expiresMs });
  return { key, state: 'upload', url: signed.url, headers: { ...signed.headers } };
}

/** Packs go where they stay; index and snapshot wait until the seal has checked them. */
function placeOf(run: Pick<BackupRun, 'tenantId' | 'vaultId' | 'id'>, { key, kind }: ManifestObject): string {
  const isStaged = kind === 'index' || kind === 'snapshot';
  return isStaged
    ? stagedKey(run.tenantId, run.vaultId, run.id, key)
    : `${vaultPrefix(run.tenantId, run.vaultId)}/${key}`;
}
