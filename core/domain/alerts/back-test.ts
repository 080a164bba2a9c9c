/**
 * What a rule would have done: the alerts that it would have opened in a stretch of the past, from the rows of that time and by
 * the same functions that decide now. State changes only at instants that the rows name, or when a limit runs out after one;
 * looking at exactly these finds every alert to the millisecond.
 */
import { SCHEDULE_TIMES } from '../schedule.ts';
import type { OccurrenceOutcome } from '../outcome.ts';
import type { DeviceFacts, EndedRun, SourceFacts } from './device-facts.ts';
import { OUTCOMES_READ } from './device-facts.ts';
import { wantedAlerts } from './evaluate.ts';
import { figuresByDay, type SealedBackup } from './day-figures.ts';
import { GROWTH_TIMES, growthSignals, isGrowthUnusual } from './growth.ts';
import { isTestable } from './kinds.ts';
import { isRuleOf, matchesFilter, type Rule } from './rules.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface PastPoint extends SealedBackup {
  readonly captureMs: number;
  readonly isUsable: boolean;
}

export interface PastOccurrence {
  readonly dueMs: number;
  readonly windowEndMs: number;
  readonly resolvedMs: number;
  readonly outcome: OccurrenceOutcome;
  /** When the run that decided it began; null: none did. */
  readonly runStartedMs: number | null;
}

export interface PastRun extends EndedRun {
  readonly startedMs: number;
  readonly endedMs: number;
}

export interface SourcePast {
  readonly sourceId: string;
  readonly addedMs: number;
  readonly points: readonly PastPoint[];
  readonly occurrences: readonly PastOccurrence[];
  readonly runs: readonly PastRun[];
  readonly passes: readonly { readonly level: number; readonly endedMs: number }[];
}

/** A device as it is now, with what happened to its sources. Its policy of that time is not kept: the present one is taken. */
export interface DevicePast extends Omit<DeviceFacts, 'sources' | 'lastSeenMs' | 'checkedMs' | 'pausedUntilMs'> {
  readonly plans: readonly { readonly level: number; readonly everyHours: number }[];
  readonly sources: readonly SourcePast[];
}

export interface PastAlert {
  readonly deviceId: string;
  readonly openedMs: number;
  /** Null: it would stand at the end. */
  readonly resolvedMs: number | null;
  readonly cause: string;
}

export interface Stretch {
  readonly startMs: number;
  readonly endMs: number;
}

/** The alerts of one rule at one device, in order. What stood when the stretch began opens at its beginning. */
export function backTest(rule: Rule, past: DevicePast, stretch: Stretch): PastAlert[] {
  const live: Rule = { ...rule, isEnabled: true };
  if (!isTestable(rule.kind) || !matchesFilter(rule.filter, past)) return [];
  const alerts: PastAlert[] = [];
  let open: { openedMs: number; cause: string } | null = null;
  for (const atMs of instants(live, past, stretch)) {
    const cause = causeAt(live, past, atMs);
    if (cause !== undefined && open === null) open = { openedMs: atMs, cause };
    if (cause === undefined && open !== null) {
      alerts.push({ deviceId: past.deviceId, ...open, resolvedMs: atMs });
      open = null;
    }
  }
  if (open !== null) alerts.push({ deviceId: past.deviceId, ...open, resolvedMs: null });
  return alerts;
}

/** The cause that the rule would have seen at this instant; undefined: nothing. */
export function causeAt(rule: Rule, past: DevicePast, atMs: number): string | undefined {
  if (past.enrolledMs > atMs) return undefined;
  if (isRuleOf(rule, 'growth')) return growthAt(rule, past, atMs) ? 'growth' : undefined;
  return wantedAlerts(factsAt(past, atMs), [rule], atMs)[0]?.cause;
}

function growthAt(rule: Rule<'growth'>, { sources }: DevicePast, atMs: number): boolean {
  return sources.some(({ points }) => {
    const until = points.filter(({ sealedMs }) => sealedMs <= atMs);
    const last = until.reduce((newest, { sealedMs }) => Math.max(newest, sealedMs), 0);
    if (last === 0) return false;
    // It is looked at when a backup is sealed, and stands until the next one is.
    const days = figuresByDay(
      until.filter(({ sealedMs }) => last - sealedMs <= (GROWTH_TIMES.comparedDays + 1) * DAY_MS),
      last,
    );
    return isGrowthUnusual(growthSignals(days.at(-1)!, days.slice(0, -1)), rule.parameters);
  });
}

/** The facts as they were. Whether the machine called is not kept; it is taken to have done so, which changes causes alone. */
export function factsAt(past: DevicePast, atMs: number): DeviceFacts {
  return {
    ...past,
    lastSeenMs: atMs,
    checkedMs: null,
    pausedUntilMs: null,
    sources: past.sources.filter(({ addedMs }) => addedMs <= atMs).map((source) => sourceAt(past, source, atMs)),
  };
}

function sourceAt({ plans }: DevicePast, source: SourcePast, atMs: number): SourceFacts {
  const points = source.points.filter(({ sealedMs }) => sealedMs <= atMs);
  const usable = points.filter(({ isUsable }) => isUsable).map(({ captureMs }) => captureMs);
  const ended = source.runs.filter(({ endedMs }) => endedMs <= atMs);
  const passes = source.passes.filter(({ endedMs }) => endedMs <= atMs);
  return {
    sourceId: source.sourceId,
    addedMs: source.addedMs,
    usableMs: usable.length === 0 ? null : Math.max(...usable),
    hasPoint: points.length > 0,
    firstSealedMs: points.length === 0 ? null : Math.min(...points.map(({ sealedMs }) => sealedMs)),
    outcomes: outcomesAt(source.occurrences, atMs),
    lastRun: ended.reduce<PastRun | null>((a, b) => (a === null || b.startedMs > a.startedMs ? b : a), null),
    drills: plans.map(({ level, everyHours }) => {
      const reached = passes.filter((pass) => pass.level >= level).map(({ endedMs }) => endedMs);
      return { level, everyHours, passedMs: reached.length === 0 ? null : Math.max(...reached) };
    }),
  };
}

/** One that was late had been missed before its backup began: the row keeps the last word alone. */
function outcomesAt(occurrences: readonly PastOccurrence[], atMs: number): OccurrenceOutcome[] {
  return occurrences
    .flatMap((one): { dueMs: number; outcome: OccurrenceOutcome }[] => {
      if (one.dueMs > atMs) return [];
      if (one.resolvedMs <= atMs) return [one];
      const wasMissed = one.outcome === 'late' && one.runStartedMs !== null && one.runStartedMs > one.windowEndMs;
      return wasMissed && atMs >= missedMs(one) ? [{ dueMs: one.dueMs, outcome: 'missed' }] : [];
    })
    .sort((a, b) => b.dueMs - a.dueMs)
    .slice(0, OUTCOMES_READ)
    .map(({ outcome }) => outcome);
}

function missedMs({ windowEndMs }: PastOccurrence): number {
  return windowEndMs + SCHEDULE_TIMES.graceMs;
}

/** Every instant at which the rule may change its mind, in order, without repetition. */
function instants(rule: Rule, past: DevicePast, { startMs, endMs }: Stretch): number[] {
  const limits = limitsOf(rule, past);
  const after = (atMs: number): number[] => limits.map((limitMs) => atMs + limitMs + 1);
  const found = [
    startMs,
    past.enrolledMs,
    ...after(past.enrolledMs),
    ...past.sources.flatMap(({ addedMs, points, occurrences, runs, passes }) => [
      addedMs,
      ...after(addedMs),
      ...points.flatMap(({ sealedMs, captureMs }) => [sealedMs, ...after(captureMs), ...after(sealedMs)]),
      ...occurrences.flatMap((one) => [one.dueMs, one.resolvedMs, missedMs(one)]),
      ...runs.map(({ endedMs }) => endedMs),
      ...passes.flatMap(({ endedMs }) => [endedMs, ...after(endedMs)]),
    ]),
  ];
  return [...new Set(found)].filter((atMs) => atMs >= startMs && atMs < endMs).sort((a, b) => a - b);
}

/** How long after an instant a limit of the rule runs out. */
function limitsOf(rule: Rule, { deviceClass, rpoMs, plans }: DevicePast): number[] {
  if (isRuleOf(rule, 'no_point')) {
    const { serverHours, workstationHours } = rule.parameters;
    return [Math.max((deviceClass === 'server' ? serverHours : workstationHours) * HOUR_MS, rpoMs)];
  }
  if (isRuleOf(rule, 'drill_overdue'))
    return plans.map(({ everyHours }) => (everyHours + rule.parameters.graceHours) * HOUR_MS + rpoMs);
  return [];
}
