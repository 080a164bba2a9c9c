/** A restore point, opened for reading with a grant. */
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { openRepository, readSnapshot } from '../../core/repository/repository.ts';
import type { OpenRepository, SnapshotWithId } from '../../core/repository/types.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import { GatewayStore } from '../gateway/gateway-store.ts';
import { ObjectCache } from '../gateway/object-cache.ts';
import type { Identity } from '../state/identity.ts';

export interface OpenPointOptions {
  readonly statePath: string;
  readonly identity: Identity;
  readonly client: GatewayClient;
  readonly log: Log;
  readonly snapshotId: string;
  /** Absolute paths inside the snapshot; none: everything. */
  readonly include: readonly string[];
  /** The same as patterns: see core/repository/restore/select-entries.ts. */
  readonly includePatterns?: readonly string[];
  /** Without one, the machine asks for it; the policy decides. */
  readonly grantId?: string;
  /** Hears by which permission it is read. */
  readonly onGrant?: (grantId: string) => void;
  /** What the permission is asked for; a restore says how it ends (tell-end.ts). */
  readonly purpose?: 'restore' | 'preview';
  readonly signal?: AbortSignal;
}

export interface OpenPoint {
  readonly repo: OpenRepository;
  readonly index: BlobIndex;
  readonly snapshot: SnapshotWithId;
}

/** @throws HoldfastError grant_required, grant_expired, vault_quarantined, not_found, cancelled. */
export async function openPoint(options: OpenPointOptions): Promise<OpenPoint> {
  const { client, identity, snapshotId, signal, include, includePatterns = [] } = options;
  const paths = [...new Set([...include, ...includePatterns])];
  const { purpose = 'restore' } = options;
  const grantId = options.grantId ?? (await client.requestRestoreGrant(snapshotId, paths, purpose, { signal })).grantId;
  options.onGrant?.(grantId);
  const store = new GatewayStore({
    client,
    cache: new ObjectCache(options.statePath, options.log),
    grantId,
    ...(signal === undefined ? {} : { signal }),
  });
  const repo = await openRepository(store, identity.repositoryPassword);
  const index = await BlobIndex.load(repo);
  const snapshot = await readSnapshot(repo, snapshotId).catch((error: unknown) => {
    if (!isHoldfastError(error, 'object_missing')) throw error;
    throw new HoldfastError('not_found', 'The vault does not hold this restore point any more.', { cause: error });
  });
  return { repo, index, snapshot };
}
