import type { Tx } from '../db/client.ts';

/**
 * The id of the record that further ones are about: the one with a drill's verdict, or the one that says that damage was found.
 * Null for what is older than evidence.
 */
export async function findFirstRecord(
  tx: Tx,
  subject: { readonly tenantId: string } & ({ readonly drillId: string } | { readonly damageId: string }),
): Promise<string | null> {
  const record = await tx.evidenceRecord.findFirst({
    where: { ...subject, kind: 'drillId' in subject ? 'drill' : 'damage_found' },
    orderBy: { sequence: 'asc' },
    select: { id: true },
  });
  return record?.id ?? null;
}
