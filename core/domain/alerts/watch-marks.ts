/**
 * Which devices no rule can call anybody for, told from a few instants and without looking at each: the sweep then looks at the
 * others alone. The marks may only err in one direction; a property test holds that every device that a rule calls for is looked at.
 */
import { plansOf } from '../drill-plans.ts';
import type { PolicyDocument } from '../policy.ts';
import type { SourceFacts } from './device-facts.ts';
import type { AlertKind } from './kinds.ts';
import { isRuleOf, type Rule } from './rules.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The levels that a plan may ask for. */
export const MARKED_LEVELS = [3, 4, 5] as const;

/** What of a source the marks follow from. */
export interface MarkedSource
  extends Pick<SourceFacts, 'addedMs' | 'usableMs' | 'firstSealedMs' | 'outcomes' | 'lastRun'>,
    Partial<Pick<SourceFacts, 'overdue'>> {
  /** When the newest drill ended that reached level 3, 4 and 5. */
  readonly passedMs: readonly (number | null)[];
}

/** Of all sources of a device the earliest instant; null: no source has one. */
export interface WatchMarks {
  /** From when the age of the data counts. */
  readonly pointMs: number | null;
  readonly sealedMs: number | null;
  /** From when the age of a proof of level 3, 4 and 5 counts. */
  readonly testedMs: readonly (number | null)[];
  /** The newest backup did not go well, or was not made: there are rules that need no limit of time. */
  readonly isTroubled: boolean;
  /** Since when the first of its points should be gone. */
  readonly overdueMs: number | null;
}

export function marksOf(enrolledMs: number, sources: readonly MarkedSource[]): WatchMarks {
  const sealed = sources.filter(({ firstSealedMs }) => firstSealedMs !== null);
  return {
    pointMs: earliest(sources.map(({ usableMs, addedMs }) => usableMs ?? Math.max(enrolledMs, addedMs))),
    sealedMs: earliest(sealed.map(({ firstSealedMs }) => firstSealedMs!)),
    testedMs: MARKED_LEVELS.map((_, at) =>
      earliest(sealed.map(({ passedMs, firstSealedMs }) => passedMs[at] ?? firstSealedMs!)),
    ),
    isTroubled: sources.some(isTroubled),
    overdueMs: earliest(sources.flatMap(({ overdue }) => overdue?.sinceMs ?? [])),
  };
}

const earliest = (all: readonly number[]): number | null => (all.length === 0 ? null : Math.min(...all));

function isTroubled({ lastRun, outcomes }: MarkedSource): boolean {
  if (lastRun?.state === 'failed' || (lastRun?.state === 'aborted' && lastRun.outcome === 'failed')) return true;
  const newest = outcomes.find((outcome) => outcome !== 'excused');
  return newest === 'failed' || newest === 'stuck' || newest === 'missed';
}

/** What is older than these is looked at; null: no rule asks. */
export interface LookLimits {
  readonly pointBeforeMs: number | null;
  readonly seenBeforeMs: number | null;
  readonly checkedBeforeMs: number | null;
  readonly overdueBeforeMs: number | null;
}

/** The strictest of all rules of a kind, whatever they look at. */
export function lookLimits(rules: readonly Rule[], nowMs: number): LookLimits {
  const before = <K extends AlertKind>(kind: K, lengthMs: (rule: Rule<K>) => number): number | null => {
    const lengths = rules.flatMap((rule) => (rule.isEnabled && isRuleOf(rule, kind) ? lengthMs(rule) : []));
    return lengths.length === 0 ? null : nowMs - Math.min(...lengths);
  };
  return {
    pointBeforeMs: before(
      'no_point',
      ({ parameters }) => Math.min(parameters.serverHours, parameters.workstationHours) * HOUR_MS,
    ),
    seenBeforeMs: before('silent', ({ parameters }) => parameters.hours * HOUR_MS),
    checkedBeforeMs: before('upkeep', ({ parameters }) => parameters.days * DAY_MS),
    overdueBeforeMs: before('retention', ({ parameters }) => parameters.overdueDays * DAY_MS),
  };
}

/** By level 3, 4 and 5: of a policy's devices, those with a proof older than this are looked at; null: it asks for none. */
export function testedBeforeMs(
  policy: Pick<PolicyDocument, 'drill' | 'moreDrills' | 'rpoMinutes'>,
  rules: readonly Rule[],
  nowMs: number,
): readonly (number | null)[] {
  const graces = rules.flatMap((rule) =>
    rule.isEnabled && isRuleOf(rule, 'drill_overdue') ? rule.parameters.graceHours : [],
  );
  return MARKED_LEVELS.map((level) => {
    const every = plansOf(policy).flatMap((plan) => (plan.level === level ? plan.everyHours : []));
    if (every.length === 0 || graces.length === 0) return null;
    return nowMs - (Math.min(...every) + Math.min(...graces)) * HOUR_MS - policy.rpoMinutes * 60_000;
  });
}
