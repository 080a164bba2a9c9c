import { randomBytes } from 'node:crypto';
import { isHoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import {
  choosePoint,
  type DrillFacts,
  type DrillPlanWish,
  type DrillScope,
  duePlans,
  plansOf,
  type PointChoice,
} from '../../core/domain/drill-plans.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { PROOF_LEVEL } from '../../core/domain/protection.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { loadDrillFacts } from './drill-facts.ts';
import { orderAgentDrill } from './order-agent-drill.ts';

/** Of a source, the newest are known to the choice of a point. */
const POINTS_READ = 5000;

export type DrillTrigger = 'after_seal' | 'schedule' | 'manual';

export interface DrillPoint {
  readonly tenantId: string;
  readonly id: string;
  readonly customerId: string;
  readonly deviceId: string;
  readonly sourceId: string;
  readonly vaultId: string;
}

export interface DrillWish {
  readonly level: number;
  readonly pointChoice: PointChoice;
  readonly scope: DrillScope;
  readonly trigger: DrillTrigger;
  readonly requestedBy: string | null;
  /** Drawn by the server after the data was sealed: nobody can prepare only the files that will be asked for. */
  readonly seed?: string;
}

export function drawSeed(): string {
  return randomBytes(16).toString('hex');
}

/**
 * Has a restore of the point tested. One of this point that waits or runs, as deep and as wide, already serves.
 * @returns the drill's id.
 */
export async function queueDrill(
  services: Services,
  change: Change,
  point: DrillPoint,
  wish: DrillWish,
): Promise<string> {
  const { tx, enqueue } = change;
  const { tenantId, customerId, deviceId, sourceId, vaultId } = point;
  const { level, scope, pointChoice, trigger, requestedBy } = wish;
  const open = await tx.drill.findFirst({
    where: {
      tenantId,
      restorePointId: point.id,
      state: { in: ['queued', 'running'] },
      level: { gte: level },
      ...(scope === 'full' ? { scope } : {}),
    },
    select: { id: true },
  });
  if (open !== null) return open.id;
  const vault = await tx.vault.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: vaultId } },
    select: { custody: true },
  });
  // No key of it is here: the machine that has one does the work.
  if (vault.custody === 'customer_held') return await orderAgentDrill(services, change, point, wish);
  const id = newId(services.clock);
  await tx.drill.create({
    data: {
      ...{ tenantId, id, customerId, deviceId, sourceId, vaultId, restorePointId: point.id },
      ...{ level, pointChoice, scope, trigger, requestedBy, state: 'queued', seed: wish.seed ?? drawSeed() },
      createdAt: new Date(services.clock.nowMs()),
    },
  });
  await enqueue('drill', { drillId: id }, { dedupeKey: id, customerId, priority: trigger === 'manual' ? 5 : 10 });
  return id;
}

/**
 * The deepest drill that a plan of the source's policy wants now (core/domain/drill-plans.ts) and that can be made: there is a
 * point for it, and the service holds a key, or the machine does. @returns the drill's id, or undefined.
 */
export async function queueDueDrill(
  services: Services,
  change: Change,
  source: { readonly tenantId: string; readonly sourceId: string },
  trigger: DrillTrigger,
): Promise<string | undefined> {
  const { tx } = change;
  const { tenantId, sourceId } = source;
  const newest = await tx.restorePoint.findFirst({
    where: { tenantId, sourceId, state: 'sealed', isUsable: true },
    orderBy: { captureAt: 'desc' },
    include: {
      vault: { select: { drillPasswordSealed: true, custody: true } },
      device: { include: { policy: true, customer: { select: { timezone: true } } } },
    },
  });
  if (newest === null || !canBeDrilled(newest.vault)) return undefined;
  const { deviceId, device } = newest;
  const facts = await loadDrillFacts(tx, tenantId, [{ sourceId, deviceId }]);
  const nowMs = services.clock.nowMs();
  const plans = reachablePlans(plansOf(policyDocument.parse(device.policy.document)), newest.vault.custody);
  const seed = drawSeed();
  for (const plan of duePlans(plans, facts.get(sourceId) ?? [], device.customer.timezone, nowMs)) {
    const point = await findPoint(change, source, { plan, seed, drills: facts.get(sourceId) ?? [] }, nowMs);
    if (point === undefined) continue;
    const { level, scope, point: pointChoice } = plan;
    const wish = { level, scope, pointChoice, trigger, requestedBy: null, seed };
    try {
      return await queueDrill(services, change, point, wish);
    } catch (error) {
      // A machine that sent nothing to compare with, or an agent that is too old: the sweep goes on, and the pages say so.
      if (!isHoldfastError(error, 'bad_request')) throw error;
    }
  }
  return undefined;
}

/**
 * The point of a source that the plan tests, of those whose vault the service or the machine can open. `drills`: what the
 * plan has to keep in mind of earlier ones; none where a person asks.
 */
export async function findPoint(
  { tx }: Change,
  source: { readonly tenantId: string; readonly sourceId: string },
  {
    plan,
    seed,
    drills,
  }: { readonly plan: DrillPlanWish; readonly seed: string; readonly drills: readonly DrillFacts[] },
  nowMs: number,
): Promise<DrillPoint | undefined> {
  const rows = await tx.restorePoint.findMany({
    where: {
      tenantId: source.tenantId,
      sourceId: source.sourceId,
      ...{ state: 'sealed', isUsable: true },
      vault: { OR: [{ drillPasswordSealed: { not: null } }, { custody: 'customer_held' }] },
    },
    orderBy: { captureAt: plan.point === 'oldest' ? 'asc' : 'desc' },
    take: plan.point === 'latest' ? 1 : POINTS_READ,
    select: { id: true, captureAt: true, levelPassed: true, customerId: true, deviceId: true, vaultId: true },
  });
  const candidates = rows.map(({ id, captureAt, levelPassed }) => ({
    id,
    captureMs: captureAt.getTime(),
    levelPassed,
  }));
  const chosen = choosePoint(candidates, plan, seed, nowMs, drills);
  const row = rows.find(({ id }) => id === chosen?.id);
  return row === undefined ? undefined : { ...source, ...row };
}

/** Does the service hold a key, or the machine, which is then asked? */
export function canBeDrilled(vault: { readonly drillPasswordSealed: unknown; readonly custody: string }): boolean {
  return vault.drillPasswordSealed !== null || vault.custody === 'customer_held';
}

/** A machine that alone holds the keys restores and compares a sample; deeper plans stay open, and are shown as never reached. */
export function reachablePlans(plans: readonly DrillPlanWish[], custody: string): DrillPlanWish[] {
  if (custody !== 'customer_held') return [...plans];
  return plans.map((plan) => ({ ...plan, level: PROOF_LEVEL, scope: 'sample' }));
}
