/** Signed downloads from the device's own vault. Metadata is the device's to read; contents need a grant (security bar S23). */
import { HoldfastError } from '../../core/base/errors.ts';
import type { ReadRequest, ReadResponse } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { noteFirstByte } from './restore-requests.ts';

const READ_MS = 15 * 60_000;
const KINDS_OF_LISTS = { keys: 'key', index: 'index', snapshots: 'snapshot' } as const;
/** Only what was sealed is given out: an index or snapshot that nobody checked never reaches an agent again. */
const READABLE = ['sealed', 'damaged'];

/** @throws HoldfastError grant_required, grant_expired for data packs. Unknown keys come back as missing. */
export async function grantReads(services: Services, scope: DeviceScope, request: ReadRequest): Promise<ReadResponse> {
  requireDevice(scope);
  const expiresMs = services.clock.nowMs() + READ_MS;
  const { prefix, objects } = await withScope(services, scope, async (tx) => {
    const vault = await tx.vault.findFirstOrThrow({ where: { tenantId: scope.tenantId, deviceId: scope.deviceId } });
    const here = { tenantId: scope.tenantId, vaultId: vault.id, state: { in: READABLE } };
    const wanted = request.list === null ? { key: { in: request.keys } } : { kind: KINDS_OF_LISTS[request.list] };
    const rows = await tx.storedObject.findMany({ where: { ...here, ...wanted }, orderBy: { key: 'asc' } });
    if (!rows.some(({ kind }) => kind === 'data_pack')) return { prefix: vault.prefix, objects: rows };
    const packs = await readablePacks(services, tx, scope, vault.id, request, rows);
    const isGranted = ({ kind, key }: (typeof rows)[number]): boolean =>
      kind !== 'data_pack' || packs.has(key.split('/').at(-1) ?? '');
    const given = rows.filter(isGranted);
    // By our own clock: the contents are the machine's from here on, and its clock may be anything.
    if (request.grantId !== null && given.some(({ kind }) => kind === 'data_pack'))
      await noteFirstByte(tx, scope.tenantId, request.grantId, services.clock.nowMs());
    return { prefix: vault.prefix, objects: given };
  });
  const downloads = await Promise.all(
    objects.map(async ({ key, size }) => {
      const signed = await services.store.signDownload(`${prefix}/${key}`, { expiresMs });
      return { key, url: signed.url, headers: { ...signed.headers }, size: Number(size) };
    }),
  );
  const found = new Set(objects.map(({ key }) => key));
  return { expiresMs, downloads, missing: request.keys.filter((key) => !found.has(key)) };
}

/**
 * Damaged packs that the device was ordered to repair are its to read, for what is left of them; asking for those alone needs no
 * grant. All others need one.
 */
async function readablePacks(
  services: Services,
  tx: Tx,
  scope: DeviceScope,
  vaultId: string,
  request: ReadRequest,
  rows: readonly { readonly kind: string; readonly key: string }[],
): Promise<ReadonlySet<string>> {
  const repairs = await tx.damage.findMany({
    where: { tenantId: scope.tenantId, deviceId: scope.deviceId, vaultId, state: 'repairing' },
    select: { keys: true },
  });
  const damaged = new Set(repairs.flatMap(({ keys }) => keys));
  const isMore = rows.some(({ kind, key }) => kind === 'data_pack' && !damaged.has(key));
  const granted =
    isMore || request.grantId !== null ? await grantedPacks(services, tx, scope, vaultId, request.grantId) : [];
  return new Set([...granted, ...[...damaged].map((key) => key.split('/').at(-1) ?? '')]);
}

/** The packs of the granted point; of others nothing is given out, as if they were not there. */
async function grantedPacks(
  services: Services,
  tx: Tx,
  scope: DeviceScope,
  vaultId: string,
  grantId: string | null,
): Promise<ReadonlySet<string>> {
  const grant =
    grantId === null
      ? null
      : await tx.restoreGrant.findFirst({
          where: { tenantId: scope.tenantId, deviceId: scope.deviceId, vaultId, id: grantId },
          include: { restorePoint: { select: { packIds: true } } },
        });
  if (grant === null) {
    throw new HoldfastError(
      'grant_required',
      'Reading the contents of a backup needs a grant. Ask your provider to allow a restore.',
    );
  }
  if (grant.expiresAt.getTime() <= services.clock.nowMs()) {
    throw new HoldfastError(
      'grant_expired',
      'The permission for this restore has expired. Ask your provider for a new one.',
    );
  }
  return new Set(grant.restorePoint.packIds);
}
