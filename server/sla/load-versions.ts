import { type ContractVersion, slaTerms } from '../../core/domain/sla/contract.ts';
import type { Tx } from '../db/client.ts';

/** The versions of each customer's contract, in order; none for a customer without one. */
export async function loadVersions(
  tx: Tx,
  tenantId: string,
  customerIds: readonly string[],
): Promise<ReadonlyMap<string, readonly ContractVersion[]>> {
  const rows = await tx.slaContractVersion.findMany({
    where: { tenantId, customerId: { in: [...customerIds] } },
    orderBy: { version: 'asc' },
    select: { customerId: true, version: true, validFrom: true, terms: true },
  });
  const found = new Map<string, ContractVersion[]>();
  for (const { customerId, version, validFrom, terms } of rows)
    found.set(customerId, [
      ...(found.get(customerId) ?? []),
      { version, validFromMs: validFrom.getTime(), terms: slaTerms.parse(terms) },
    ]);
  return found;
}
