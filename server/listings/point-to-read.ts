import { HoldfastError } from '../../core/base/errors.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';

const PATH_MAX = 8192;

/**
 * The restore point, when a person in this scope may look into it and the service can open it.
 * @throws HoldfastError not_found, vault_quarantined, bad_request.
 */
export async function pointToRead(tx: Tx, scope: Scope, restorePointId: string) {
  const point = await tx.restorePoint.findUnique({
    where: { tenantId_id: { tenantId: scope.tenantId, id: restorePointId } },
    select: {
      id: true,
      customerId: true,
      deviceId: true,
      state: true,
      snapshotId: true,
      treeId: true,
      vault: { select: { tenantId: true, id: true, prefix: true, drillPasswordSealed: true } },
    },
  });
  if (point === null || point.state === 'expired')
    throw new HoldfastError('not_found', 'There is no such restore point.');
  if (point.state === 'quarantined')
    throw new HoldfastError(
      'vault_quarantined',
      'This restore point did not pass its checks and is locked away, so nothing is read from it. Choose an earlier one.',
    );
  if (point.vault.drillPasswordSealed === null)
    throw new HoldfastError(
      'bad_request',
      'Only the customer holds the keys of this vault, so the service cannot read what is in it. Restore on the machine itself.',
    );
  return point;
}

/** An absolute path with single slashes and none at the end; `/` is the root. @throws HoldfastError bad_request. */
export function snapshotPath(text: string): string {
  const parts = text.split('/').filter((part) => part !== '');
  if (text.length > PATH_MAX || text.includes('\0') || parts.includes('..') || parts.includes('.'))
    throw new HoldfastError('bad_request', 'This is no path inside a restore point.');
  return `/${parts.join('/')}`;
}
