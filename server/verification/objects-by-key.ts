/**
 * Objects of a vault by their keys, whatever their number. A statement takes 32,767 parameters; a store that was emptied misses
 * more objects than that, and this is when it has to be recorded. So all keys are one parameter.
 */
import type { Tx } from '../db/client.ts';

interface VaultKey {
  readonly tenantId: string;
  readonly vaultId: string;
}

export interface LedgerObject {
  readonly key: string;
  readonly kind: string;
  readonly state: string;
  readonly size: number;
  readonly runId: string | null;
}

export async function selectObjects(
  tx: Tx,
  { tenantId, vaultId }: VaultKey,
  keys: readonly string[],
): Promise<LedgerObject[]> {
  return await tx.$queryRaw<LedgerObject[]>`
    SELECT key, kind, state, size::float8 AS size, run_id AS "runId" FROM stored_object
    WHERE tenant_id = ${tenantId}::uuid AND vault_id = ${vaultId}::uuid AND key = ANY (${[...keys]}::text[])`;
}

/** Those of them that are in one of the states `from`. */
export async function markObjects(
  tx: Tx,
  { tenantId, vaultId }: VaultKey,
  keys: readonly string[],
  mark: { readonly from: readonly string[]; readonly state: string; readonly problem: string },
): Promise<void> {
  await tx.$executeRaw`
    UPDATE stored_object SET state = ${mark.state}, problem = ${mark.problem}
    WHERE tenant_id = ${tenantId}::uuid AND vault_id = ${vaultId}::uuid AND key = ANY (${[...keys]}::text[])
      AND state = ANY (${[...mark.from]}::text[])`;
}
