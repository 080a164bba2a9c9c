import type { Change } from '../changes/apply-change.ts';

export const DAMAGE_EVENTS = [
  'found',
  'quarantined',
  'traced',
  'untraced',
  'asked',
  'sent',
  'refused',
  'checked',
  'released',
  'retired',
  'ended',
  'accepted',
] as const;
export type DamageEventKind = (typeof DAMAGE_EVENTS)[number];

export interface DamagePlace {
  readonly tenantId: string;
  readonly customerId: string;
  readonly id: string;
}

/** Adds to the history of a damage. The database lets nobody change or remove what is in it. */
export async function addDamageEvent(
  { tx }: Pick<Change, 'tx'>,
  damage: DamagePlace,
  kind: DamageEventKind,
  atMs: number,
  data: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  // The row of the damage orders those who write its history.
  await tx.$queryRaw`SELECT 1 FROM damage WHERE tenant_id = ${damage.tenantId}::uuid AND id = ${damage.id}::uuid FOR UPDATE`;
  await tx.$executeRaw`
    INSERT INTO damage_event (tenant_id, damage_id, sequence, customer_id, at, kind, data)
    SELECT ${damage.tenantId}::uuid, ${damage.id}::uuid, coalesce(max(sequence), 0) + 1, ${damage.customerId}::uuid,
      ${new Date(atMs)}, ${kind}, ${JSON.stringify(data)}::jsonb
    FROM damage_event WHERE tenant_id = ${damage.tenantId}::uuid AND damage_id = ${damage.id}::uuid`;
}
