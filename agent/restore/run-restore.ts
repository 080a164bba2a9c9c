/** Restores from the vault through the service: with a grant of the portal, or one that the policy lets the machine ask for. */
import { isAbsolute } from 'node:path';
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import type { SnapshotsResponse } from '../../core/protocol/messages.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { openRepository, readSnapshot } from '../../core/repository/repository.ts';
import { type RestoreProgress, type RestoreResult, restore } from '../../core/repository/restore/restore.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import { GatewayStore } from '../gateway/gateway-store.ts';
import { ObjectCache } from '../gateway/object-cache.ts';
import type { Identity } from '../state/identity.ts';

export type RestorePoint = SnapshotsResponse['snapshots'][number];

export interface RunRestoreOptions {
  readonly statePath: string;
  readonly identity: Identity;
  readonly client: GatewayClient;
  readonly log: Log;
  readonly snapshotId: string;
  /** Absolute. What is there is kept, unless `overwrite` says otherwise. */
  readonly targetPath: string;
  /** Absolute paths inside the snapshot; none: everything. */
  readonly include: readonly string[];
  /** Without one, the machine asks for it; the policy decides. */
  readonly grantId?: string;
  readonly overwrite?: 'refuse' | 'if-different' | 'always';
  readonly onProgress?: (progress: RestoreProgress) => void;
  readonly signal?: AbortSignal;
}

/** @throws HoldfastError grant_required, grant_expired, vault_quarantined, not_found, unsafe_restore, disk_full, cancelled. */
export async function runRestore(options: RunRestoreOptions): Promise<RestoreResult> {
  const { client, identity, snapshotId, signal, include } = options;
  if (!isAbsolute(options.targetPath)) {
    throw new HoldfastError(
      'bad_request',
      `The restore needs an absolute folder to write to, not "${options.targetPath}".`,
    );
  }
  const grantId = options.grantId ?? (await client.requestRestoreGrant(snapshotId, include, { signal })).grantId;
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
  return await restore(repo, index, {
    snapshot,
    targetDir: options.targetPath,
    overwrite: options.overwrite ?? 'refuse',
    ...(include.length === 0 ? {} : { include }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** `latest`, a whole id or an unambiguous beginning of one. @throws HoldfastError not_found, bad_request, vault_quarantined. */
export function chooseRestorePoint(points: readonly RestorePoint[], reference: string): RestorePoint {
  if (reference === 'latest') {
    const usable = points.filter(({ state }) => state === 'sealed').toSorted((a, b) => b.captureMs - a.captureMs);
    if (usable[0] !== undefined) return usable[0];
    throw new HoldfastError('not_found', 'This machine has no usable restore point yet. Run a backup first.');
  }
  const found = /^[0-9a-f]{4,64}$/.test(reference)
    ? points.filter(({ snapshotId }) => snapshotId.startsWith(reference))
    : [];
  const [point] = found;
  if (point === undefined) {
    throw new HoldfastError('not_found', `There is no restore point ${reference}. See them with: holdfast snapshots`);
  }
  if (found.length > 1)
    throw new HoldfastError(
      'bad_request',
      `More than one restore point begins with ${reference}. Give more of its id.`,
    );
  if (point.state === 'quarantined') {
    throw new HoldfastError(
      'vault_quarantined',
      'This restore point is in quarantine because damage was found in it. Choose another one; your provider can help to restore what is intact.',
    );
  }
  if (point.state === 'expired') throw new HoldfastError('not_found', 'This restore point has expired.');
  return point;
}

/** One sentence about how it went, for the portal and the terminal. */
export function describeRestore(result: RestoreResult, targetPath: string): string {
  const parts = [`${count(result.filesRestored, 'file')} restored to ${targetPath}.`];
  if (result.skipped.length > 0)
    parts.push(`${count(result.skipped.length, 'file')} kept as they were, because something stands in their place.`);
  if (result.damaged.length > 0) {
    const named = result.damaged.slice(0, 5).map(({ path }) => path);
    parts.push(
      `${count(result.damaged.length, 'file')} could not be restored intact: ${named.join(', ')}${result.damaged.length > 5 ? ', …' : ''}.`,
    );
  }
  if (result.warnings.length > 0)
    parts.push(`${count(result.warnings.length, 'entry', 'entries')} left out or not whole.`);
  return parts.join(' ');
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
