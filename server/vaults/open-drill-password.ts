import { HoldfastError } from '../../core/base/errors.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';

/**
 * The password of the key that the service holds for a vault. It stays in memory, goes to a sandbox child over its pipe, and
 * is never logged or stored elsewhere.
 * @throws HoldfastError bad_request where the customer alone holds the keys.
 */
export async function openDrillPassword(
  services: Pick<Services, 'keys'>,
  tx: Tx,
  vault: { readonly tenantId: string; readonly id: string; readonly drillPasswordSealed: Uint8Array | null },
): Promise<string> {
  if (vault.drillPasswordSealed === null)
    throw new HoldfastError(
      'bad_request',
      'Only the customer holds the keys of this vault, so the service cannot read what is in it.',
    );
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: vault.tenantId } });
  const place = { table: 'vault', row: vault.id, column: 'drill_password_sealed' };
  return services.keys.open(tenant, place, vault.drillPasswordSealed).toString('utf8');
}
