import { z } from 'zod';
import { DAMAGE_NAMED_MAX, type DamageEvidence } from '../../core/evidence/damage-evidence.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import { appendEvidence } from '../evidence/append-evidence.ts';
import { findFirstRecord } from '../evidence/find-first-record.ts';
import type { Services } from '../services.ts';
import type { DamagePlace } from './damage-events.ts';
import { damageImpact } from './damage-impact.ts';

const objectList = z.array(z.object({ key: z.string(), problem: z.string() }));

/** What every record of a damage says of it, as its row stands. */
export async function describeDamage(
  tx: Tx,
  { tenantId, id }: Pick<DamagePlace, 'tenantId' | 'id'>,
): Promise<Pick<DamageEvidence, 'damageId' | 'device' | 'vaultId' | 'objects' | 'objectCount' | 'files'>> {
  const damage = await tx.damage.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id } },
    select: {
      vaultId: true,
      objects: true,
      impact: true,
      device: { select: { id: true, name: true } },
    },
  });
  const objects = objectList.parse(damage.objects).map(({ key, problem }) => ({ key, problem }));
  const impact = damageImpact.safeParse(damage.impact).data;
  return {
    damageId: id,
    device: damage.device,
    vaultId: damage.vaultId,
    objects: objects.slice(0, DAMAGE_NAMED_MAX),
    objectCount: objects.length,
    files:
      impact === undefined
        ? null
        : {
            paths: impact.files.slice(0, DAMAGE_NAMED_MAX).map(({ path }) => path),
            count: impact.filesTotal,
            isComplete: impact.isComplete,
          },
  };
}

/** Adds what was found, or what became of it, to the customer's evidence, in the transaction of the fact. */
export function recordDamageEvidence(
  services: Services,
  change: Change,
  damage: DamagePlace,
  fact: {
    readonly kind: 'damage_found' | 'damage_repaired' | 'damage_lost';
    readonly verificationId: string | null;
    readonly level: number | null;
    readonly restorePointIds: readonly string[];
    readonly words: string;
  },
): void {
  const { tx } = change;
  const { tenantId, customerId, id: damageId } = damage;
  const { kind, restorePointIds, ...rest } = fact;
  appendEvidence(services, change, {
    tenantId,
    customerId,
    damageId,
    kind,
    about: async () => (kind === 'damage_found' ? null : await findFirstRecord(tx, { tenantId, damageId })),
    body: async () => ({
      ...(await describeDamage(tx, damage)),
      ...rest,
      restorePointIds: restorePointIds.slice(0, DAMAGE_NAMED_MAX),
    }),
  });
}
