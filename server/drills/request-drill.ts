import { HoldfastError } from '../../core/base/errors.ts';
import type { DrillPlanWish, DrillScope, PointChoice } from '../../core/domain/drill-plans.ts';
import { PLAN_TIMES } from '../../core/domain/drill-plans.ts';
import { PROOF_LEVEL } from '../../core/domain/protection.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { canBeDrilled, drawSeed, findPoint, queueDrill } from './queue-drill.ts';

export interface DrillRequest {
  /** 3 unless told. */
  readonly level?: 3 | 4 | 5 | undefined;
  /** A sample unless told. */
  readonly scope?: DrillScope | undefined;
}

export type DrillTarget =
  | { readonly restorePointId: string }
  | {
      readonly deviceId: string;
      /** The newest usable point unless told. */
      readonly point?: Exclude<PointChoice, 'chosen'> | undefined;
    };

/**
 * A person wants a restore tested now: of the given point, or of one of a device's usable points.
 * @throws HoldfastError not_found, forbidden; vault_quarantined for a point that is locked away; bad_request where the
 * service should hold a key and has none. Where the customer alone holds the keys, its machine is asked to make the drill.
 */
export async function requestDrill(
  services: Services,
  scope: Scope,
  wanted: DrillTarget & DrillRequest,
): Promise<{ drillId: string }> {
  requireStaff(scope);
  return await applyChange(services, scope, async (change) => {
    const seed = drawSeed();
    const point = await loadPoint(services, change, scope, wanted, seed);
    if (point === null) throw new HoldfastError('not_found', 'There is no restore point to test yet.');
    if (point.state !== 'sealed')
      throw new HoldfastError(
        'vault_quarantined',
        'This restore point is locked away, so it is not tested. Check it first.',
      );
    if (!canBeDrilled(point.vault))
      throw new HoldfastError('bad_request', 'The service has no key of this vault, so it cannot restore from it.');
    const wish = {
      level: wanted.level ?? PROOF_LEVEL,
      scope: wanted.scope ?? 'sample',
      pointChoice: 'deviceId' in wanted ? (wanted.point ?? 'latest') : 'chosen',
    } as const;
    const drillId = await queueDrill(services, change, point, {
      ...wish,
      trigger: 'manual',
      requestedBy: scope.actor.id,
      seed,
    });
    await change.audit(
      'drill.requested',
      { kind: 'restore_point', id: point.id },
      { drillId, deviceId: point.deviceId, ...wish },
    );
    return { drillId };
  });
}

const withVault = { vault: { select: { drillPasswordSealed: true, custody: true } } } as const;

async function loadPoint(
  services: Services,
  change: Change,
  { tenantId }: Scope,
  wanted: DrillTarget & DrillRequest,
  seed: string,
) {
  const { tx } = change;
  if ('restorePointId' in wanted)
    return await tx.restorePoint.findFirst({ where: { tenantId, id: wanted.restorePointId }, include: withVault });
  const newest = await tx.restorePoint.findFirst({
    where: { tenantId, deviceId: wanted.deviceId, state: 'sealed', isUsable: true },
    orderBy: { captureAt: 'desc' },
    include: withVault,
  });
  const { point: choice = 'latest' } = wanted;
  if (newest === null || choice === 'latest') return newest;
  const plan: DrillPlanWish = {
    ...{ level: wanted.level ?? PROOF_LEVEL, scope: wanted.scope ?? 'sample', point: choice },
    ...{ everyHours: 1, sampleFiles: 1, withinDays: PLAN_TIMES.withinDays, hours: undefined },
  };
  const source = { tenantId, sourceId: newest.sourceId };
  const chosen = await findPoint(change, source, { plan, seed, drills: [] }, services.clock.nowMs());
  if (chosen === undefined) return null;
  return await tx.restorePoint.findFirst({ where: { tenantId, id: chosen.id }, include: withVault });
}
