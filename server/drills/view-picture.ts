import { HoldfastError } from '../../core/base/errors.ts';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/** A picture that a drill keeps, as PNG. @throws HoldfastError not_found, for a foreign one exactly as for one that never was. */
export async function viewPicture(
  services: Services,
  scope: Scope,
  drillId: string,
  sha256: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { tenantId } = scope;
  const picture = await withScope(services, scope, (tx) =>
    tx.drillPicture.findUnique({ where: { tenantId_drillId_sha256: { tenantId, drillId, sha256 } } }),
  );
  if (picture === null) throw new HoldfastError('not_found', 'There is no such picture.');
  return Uint8Array.from(picture.png);
}
