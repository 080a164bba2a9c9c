/**
 * When which plan of a policy wants a restore tested, and of which point. Pure; the zone is the customer's. A policy has
 * one plan (`drill`) and may have more (`moreDrills`), say a full one of level 4 each month.
 */
import { seededRandom } from './drills.ts';
import { type ClockWindow, nextWithin } from './clock-window.ts';
import type { CheckState } from './outcome.ts';
import type { PolicyDocument } from './policy.ts';

const HOUR_MS = 3_600_000;

export const PLAN_TIMES = {
  /** After a drill that the infrastructure stopped, before the next try. */
  voidRetryMs: 15 * 60_000,
  /**
   * A failed drill of an older point, before the next one: each failure may take a point out of use, and a wrong
   * expectation of the customer's own must not empty a history within an hour.
   */
  failedRetryMs: 24 * HOUR_MS,
  /** For a random point. */
  withinDays: 30,
} as const;

export type PointChoice = 'latest' | 'random' | 'oldest' | 'chosen';
export type DrillScope = 'sample' | 'full';

/** What is known of a drill that was made or is under way. */
export interface DrillFacts {
  readonly state: CheckState;
  readonly createdMs: number;
  /** That was asked for. */
  readonly level: number;
  /** Of one that passed: the level that it reached. Of one that failed: the deepest at which something was wrong. `level` where it is left out. */
  readonly depth?: number;
  readonly pointChoice: PointChoice;
  readonly scope: DrillScope;
  /** When the data of its restore point was captured; left out: of the same point as every other that leaves it out. */
  readonly pointMs?: number;
  /** Of a failed one, from who has read every row: one that is not in the list has answered it. */
  readonly isAnswered?: boolean;
  /** Made before a part of the backups was lost for good: what it proved may be gone, so another is wanted. */
  readonly isOutdated?: boolean;
}

/** A plan with what it leaves out filled in. */
export interface DrillPlanWish {
  readonly level: 3 | 4 | 5;
  readonly everyHours: number;
  readonly sampleFiles: number;
  readonly point: Exclude<PointChoice, 'chosen'>;
  readonly withinDays: number;
  readonly scope: DrillScope;
  /** By the customer's clock; undefined: at any hour. */
  readonly hours: ClockWindow | undefined;
}

/** The policy's own plan first. */
export function plansOf({ drill, moreDrills = [] }: Pick<PolicyDocument, 'drill' | 'moreDrills'>): DrillPlanWish[] {
  return [drill, ...moreDrills].map((terms) => ({
    level: terms.level,
    everyHours: terms.everyHours,
    sampleFiles: terms.sampleFiles,
    point: terms.point ?? 'latest',
    withinDays: terms.withinDays ?? PLAN_TIMES.withinDays,
    scope: terms.scope ?? 'sample',
    hours: terms.hours,
  }));
}

/** Does the drill do for the plan: as deep, as wide, and of a point that was chosen the same way? */
export function isCovering(drill: Omit<DrillFacts, 'state' | 'createdMs'>, plan: DrillPlanWish): boolean {
  return (
    drill.level >= plan.level && drill.pointChoice === plan.point && (plan.scope === 'sample' || drill.scope === 'full')
  );
}

/**
 * A failed drill stands until one that looked as deep as something was wrong has passed after it, of the same data or newer: a
 * shallower look cannot take it back, nor one that was asked to look as deep and found nothing there any more, nor one of data
 * from before: that yesterday's database was whole says nothing of today's.
 */
export function unansweredFailures(drills: readonly DrillFacts[]): DrillFacts[] {
  return drills.filter(
    (drill) =>
      drill.state === 'failed' &&
      drill.isAnswered !== true &&
      !drills.some(
        (other) =>
          other.state === 'passed' &&
          other.createdMs > drill.createdMs &&
          pointOf(other) >= pointOf(drill) &&
          depthOf(other) >= depthOf(drill),
      ),
  );
}

function pointOf({ pointMs }: DrillFacts): number {
  return pointMs ?? 0;
}

function depthOf({ depth, level }: DrillFacts): number {
  return depth ?? level;
}

/**
 * From when on the plan wants a drill, its hours left aside; undefined while one is under way. At once when none ever passed,
 * and when a plan of newest points has a failure to answer (the next point may be the first good one).
 */
function wantedFromMs(plan: DrillPlanWish, drills: readonly DrillFacts[]): number | undefined {
  if (drills.some(({ state }) => state === 'queued' || state === 'running')) return undefined;
  const voided = newest(drills.filter(({ state }) => state === 'void'));
  const notBeforeMs = voided === undefined ? Number.NEGATIVE_INFINITY : voided.createdMs + PLAN_TIMES.voidRetryMs;
  const failures = unansweredFailures(drills).filter(({ level }) => level <= plan.level);
  if (plan.point === 'latest' && failures.length > 0) return notBeforeMs;
  const verdict = newest(
    drills.filter(
      (drill) =>
        (drill.state === 'passed' || drill.state === 'failed') && drill.isOutdated !== true && isCovering(drill, plan),
    ),
  );
  if (verdict === undefined) return notBeforeMs;
  const intervalMs = plan.everyHours * HOUR_MS;
  const waitMs = verdict.state === 'passed' ? intervalMs : Math.min(intervalMs, PLAN_TIMES.failedRetryMs);
  return Math.max(notBeforeMs, verdict.createdMs + waitMs);
}

function newest(drills: readonly DrillFacts[]): DrillFacts | undefined {
  return drills.reduce<DrillFacts | undefined>(
    (a, b) => (a === undefined || b.createdMs > a.createdMs ? b : a),
    undefined,
  );
}

/** Does the plan want a drill to begin now? */
export function isDrillDue(
  plan: DrillPlanWish,
  drills: readonly DrillFacts[],
  timeZone: string,
  nowMs: number,
): boolean {
  const fromMs = wantedFromMs(plan, drills);
  return fromMs !== undefined && fromMs <= nowMs && nextWithin(plan.hours, timeZone, nowMs) === nowMs;
}

/** The plans that want a drill now, the deepest and widest first: the others are served by it where they ask for less. */
export function duePlans(
  plans: readonly DrillPlanWish[],
  drills: readonly DrillFacts[],
  timeZone: string,
  nowMs: number,
): DrillPlanWish[] {
  return plans
    .filter((plan) => isDrillDue(plan, drills, timeZone, nowMs))
    .sort((a, b) => b.level - a.level || Number(b.scope === 'full') - Number(a.scope === 'full'));
}

export interface PlannedDrill {
  /** Place among `plansOf`. */
  readonly plan: number;
  readonly atMs: number;
}

/**
 * The drills to come, by time, when all of them pass and there is a point for each: for the calendar of the portal. A plan
 * of newest points takes the first backup from then on, so its drills come with the backups.
 */
export function drillCalendar(
  plans: readonly DrillPlanWish[],
  drills: readonly DrillFacts[],
  timeZone: string,
  nowMs: number,
  untilMs: number,
): PlannedDrill[] {
  // What is under way counts as if it had passed.
  const settled = drills.map((drill) =>
    drill.state === 'queued' || drill.state === 'running' ? { ...drill, state: 'passed' as const } : drill,
  );
  const planned: PlannedDrill[] = [];
  for (const [at, plan] of plans.entries()) {
    let nextMs = nextWithin(plan.hours, timeZone, Math.max(nowMs, wantedFromMs(plan, settled) ?? nowMs));
    while (nextMs < untilMs) {
      planned.push({ plan: at, atMs: nextMs });
      nextMs = nextWithin(plan.hours, timeZone, nextMs + plan.everyHours * HOUR_MS);
    }
  }
  return planned.sort((a, b) => a.atMs - b.atMs || a.plan - b.plan);
}

export interface PointCandidate {
  readonly id: string;
  readonly captureMs: number;
  /** Highest level that it passed; null when it was never verified. */
  readonly levelPassed: number | null;
}

/**
 * The point that a plan tests, of the usable ones; undefined when there is none to test (yet). The newest is tested once it
 * was verified, and once for each level; after a failure only one with newer data than what failed, or a wrong expectation would
 * take one point after the other out of use. A random one is drawn by `seed`: nobody can prepare only the point that is asked for.
 */
export function choosePoint(
  points: readonly PointCandidate[],
  plan: DrillPlanWish,
  seed: string,
  nowMs: number,
  drills: readonly DrillFacts[] = [],
): PointCandidate | undefined {
  const ordered = [...points].sort((a, b) => b.captureMs - a.captureMs || (a.id < b.id ? -1 : 1));
  if (plan.point === 'latest') {
    const [first] = ordered;
    if (first?.levelPassed == null || first.levelPassed >= plan.level) return undefined;
    const failures = unansweredFailures(drills).filter(({ level }) => level <= plan.level);
    return failures.every((failure) => first.captureMs > pointOf(failure)) ? first : undefined;
  }
  const verified = ordered.filter(({ levelPassed }) => levelPassed !== null);
  if (plan.point === 'oldest') return verified.at(-1);
  const sinceMs = nowMs - plan.withinDays * 24 * HOUR_MS;
  const recent = verified.filter(({ captureMs }) => captureMs >= sinceMs);
  return recent[Math.floor(seededRandom(`point ${seed}`)() * recent.length)];
}
