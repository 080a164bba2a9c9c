import { randomBytes } from 'node:crypto';
import { newId } from '../../core/base/ids.ts';
import { isDrillDue } from '../../core/domain/drills.ts';
import type { CheckState } from '../../core/domain/outcome.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { PROOF_LEVEL } from '../../core/domain/protection.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

/** Enough of the past to know whether a drill is due: the newest verdict is among them. */
const DRILLS_READ = 50;

export type DrillTrigger = 'after_seal' | 'schedule' | 'manual';

export interface DrillPoint {
  readonly tenantId: string;
  readonly id: string;
  readonly customerId: string;
  readonly deviceId: string;
  readonly sourceId: string;
  readonly vaultId: string;
}

/** Has a restore of the point tested. One of this point that waits or runs already serves. @returns the drill's id. */
export async function queueDrill(
  services: Services,
  { tx, enqueue }: Change,
  point: DrillPoint,
  trigger: DrillTrigger,
  requestedBy: string | null,
): Promise<string> {
  const { tenantId, customerId, deviceId, sourceId, vaultId } = point;
  const open = await tx.drill.findFirst({
    where: { tenantId, restorePointId: point.id, state: { in: ['queued', 'running'] } },
    select: { id: true },
  });
  if (open !== null) return open.id;
  const id = newId(services.clock);
  await tx.drill.create({
    data: {
      tenantId,
      id,
      customerId,
      deviceId,
      sourceId,
      vaultId,
      restorePointId: point.id,
      level: PROOF_LEVEL,
      trigger,
      state: 'queued',
      // Drawn by the server after the data was sealed: nobody can prepare only the files that will be asked for.
      seed: randomBytes(16).toString('hex'),
      requestedBy,
      createdAt: new Date(services.clock.nowMs()),
    },
  });
  await enqueue('drill', { drillId: id }, { dedupeKey: id, customerId, priority: trigger === 'manual' ? 5 : 10 });
  return id;
}

/**
 * A drill of the source's newest usable point, when one is owed (core/domain/drills) and can be made: the point was verified,
 * was not drilled yet, and the service holds a key. @returns the drill's id, or undefined.
 */
export async function queueDueDrill(
  services: Services,
  change: Change,
  source: { readonly tenantId: string; readonly sourceId: string },
  trigger: DrillTrigger,
): Promise<string | undefined> {
  const { tx } = change;
  const mine = { tenantId: source.tenantId, sourceId: source.sourceId };
  const point = await tx.restorePoint.findFirst({
    where: { ...mine, state: 'sealed', isUsable: true },
    orderBy: { captureAt: 'desc' },
    include: { vault: { select: { drillPasswordSealed: true } }, device: { include: { policy: true } } },
  });
  if (point === null || point.vault.drillPasswordSealed === null) return undefined;
  if (point.levelPassed === null || point.levelPassed >= PROOF_LEVEL) return undefined;
  const drills = await tx.drill.findMany({
    where: mine,
    orderBy: { createdAt: 'desc' },
    take: DRILLS_READ,
    select: { state: true, createdAt: true },
  });
  const facts = drills.map(({ state, createdAt }) => ({
    state: state as CheckState, // held by a CHECK constraint of the database
    createdMs: createdAt.getTime(),
  }));
  const { drill } = policyDocument.parse(point.device.policy.document);
  if (!isDrillDue(facts, drill.everyHours, services.clock.nowMs())) return undefined;
  return await queueDrill(services, change, point, trigger, null);
}
