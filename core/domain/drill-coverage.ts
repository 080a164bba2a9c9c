/**
 * How deep and how recently the restores of a source were tested, against what its policy asks for: one cell a level. Pure.
 * Green means a proof that is not older than was asked; what was never reached is never green.
 */
import type { DrillPlanWish } from './drill-plans.ts';

export const DRILL_LEVELS = [3, 4, 5] as const;
export type DrillLevel = (typeof DRILL_LEVELS)[number];

/**
 * `proven`: asked for and reached within the interval. `overdue`: reached, but too long ago. `failed`: a failure stands that no
 * later pass has answered. `never`: asked for, never reached. `extra`: reached though no plan asks for it. `unasked`: neither.
 */
export const COVERAGE_STATES = ['failed', 'never', 'overdue', 'proven', 'extra', 'unasked'] as const;
export type CoverageState = (typeof COVERAGE_STATES)[number];

export interface CoverageEvent {
  readonly level: number;
  readonly drillId: string;
  readonly endedMs: number;
}

export interface CoverageCell {
  readonly level: DrillLevel;
  readonly state: CoverageState;
  /** The shortest interval of the plans that ask for this depth; null: none does. */
  readonly everyHours: number | null;
  /** The newest drill that reached the level; null: none ever did. */
  readonly passed: CoverageEvent | null;
  /** The failure that stands; null: none. */
  readonly failed: CoverageEvent | null;
}

/**
 * `passes`: for each level the newest drill that reached it or more. `failures`: those that no pass of their depth has answered;
 * one counts for its own level and for every deeper one, for what cannot be restored cannot be opened either.
 * `graceMs`: how long after the interval a pass still does (protection.ts grants the RPO).
 */
export function coverageCells(facts: {
  readonly plans: readonly Pick<DrillPlanWish, 'level' | 'everyHours'>[];
  readonly passes: readonly CoverageEvent[];
  readonly failures: readonly CoverageEvent[];
  readonly graceMs: number;
  /** When damage was found of which a part is lost for good: what passed before it is a proof no more. Null: nothing was lost. */
  readonly lossMs?: number | null;
  readonly nowMs: number;
}): CoverageCell[] {
  const { plans, passes, failures, graceMs, lossMs = null, nowMs } = facts;
  return DRILL_LEVELS.map((level) => {
    const asking = plans.filter((plan) => plan.level >= level);
    const everyHours = asking.length === 0 ? null : Math.min(...asking.map((plan) => plan.everyHours));
    const passed = newest(passes.filter((pass) => pass.level >= level));
    const failed = newest(failures.filter((failure) => failure.level <= level));
    const isAsked = everyHours !== null;
    return { level, everyHours, passed, failed, state: stateOf() };

    function stateOf(): CoverageState {
      if (!isAsked && passed === null) return 'unasked';
      if (failed !== null) return 'failed';
      if (!isAsked) return 'extra';
      if (passed === null) return 'never';
      if (lossMs !== null && passed.endedMs <= lossMs) return 'overdue';
      return nowMs - passed.endedMs <= everyHours * 3_600_000 + graceMs ? 'proven' : 'overdue';
    }
  });
}

/** The state of a source as one word: the worst of what is asked for. Undefined where nothing is. */
export function worstCoverage(cells: readonly CoverageCell[]): CoverageState | undefined {
  const asked = cells.filter(({ everyHours }) => everyHours !== null).map(({ state }) => state);
  return COVERAGE_STATES.find((state) => asked.includes(state));
}

function newest(events: readonly CoverageEvent[]): CoverageEvent | null {
  return events.reduce<CoverageEvent | null>((a, b) => (a === null || b.endedMs > a.endedMs ? b : a), null);
}
