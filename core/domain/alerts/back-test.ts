/**
 * What a rule would have done at a device: the alerts that it would have opened in a stretch of the past, from the rows of that
 * time and by the same functions that decide now. State changes only at instants that the rows name, or when a limit runs out
 * after one; looking at exactly these finds every alert to the millisecond. Quotas: back-test-quota.ts. Of what was found once and
 * follows from no state (a clone, damage), the findings themselves are the answer: server/alerts/back-test.
 */
import { SCHEDULE_TIMES } from '../schedule.ts';
import { suspicionOf, SUSPICION_COMPARED_MS } from '../suspicion.ts';
import type { OccurrenceOutcome } from '../outcome.ts';
import type { DeviceFacts, EndedRun, SourceFacts } from './device-facts.ts';
import { OUTCOMES_READ } from './device-facts.ts';
import { wantedAlerts } from './evaluate.ts';
import { figuresByDay, type SealedBackup } from './day-figures.ts';
import { GROWTH_TIMES, growthSignals, isGrowthUnusual } from './growth.ts';
import { ransomwareSign } from './ransomware-sign.ts';
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
  /** Of points that the policy of today did not keep: since when, and when they were let go; null: they are still there. */
  readonly overdue: readonly { readonly sinceMs: number; readonly goneMs: number | null }[];
}

/** A stretch in which a machine did not call, longer than any rule lets pass. */
export interface PastGap {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A comparison of a vault with its ledger: what it says holds from its beginning on, and is known from its end on. */
export interface PastListing {
  readonly startedMs: number;
  readonly endedMs: number;
}

/** A device as it is now, with what happened to its sources. Its policy of that time is not kept: the present one is taken. */
export interface DevicePast extends Omit<DeviceFacts, 'sources' | 'checkedMs' | 'pausedUntilMs'> {
  /** In any order. The silence that lasts is not among them: it begins with `lastSeenMs`. */
  readonly gaps: readonly PastGap[];
  readonly listings: readonly PastListing[];
  /** When the first restore point of the device was sealed; null: none was. */
  readonly storedMs: number | null;
  readonly plans: readonly { readonly level: number; readonly everyHours: number }[];
  readonly sources: readonly SourcePast[];
}

export interface PastAlert {
  /** The device, or the customer or policy where no single device is concerned. */
  readonly subjectId: string;
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
  if (!matchesFilter(rule.filter, past)) return [];
  return stretchesOf(past.deviceId, instants(live, past, stretch), (atMs) => causeAt(live, past, atMs));
}

/** The alerts of a subject from what a rule says at each of these instants, which are in order. */
export function stretchesOf(
  subjectId: string,
  atMs: readonly number[],
  causeOf: (atMs: number) => string | undefined,
): PastAlert[] {
  const alerts: PastAlert[] = [];
  let open: { openedMs: number; cause: string } | null = null;
  for (const at of atMs) {
    const cause = causeOf(at);
    if (cause !== undefined && open === null) open = { openedMs: at, cause };
    if (cause === undefined && open !== null) {
      alerts.push({ subjectId, ...open, resolvedMs: at });
      open = null;
    }
  }
  if (open !== null) alerts.push({ subjectId, ...open, resolvedMs: null });
  return alerts;
}

/** Stretches of one subject that overlap or touch are one alert: there is one open a subject and rule. In order. */
export function mergeStretches(alerts: readonly PastAlert[]): PastAlert[] {
  const bySubject = Map.groupBy(alerts, ({ subjectId }) => subjectId);
  return [...bySubject.values()].flatMap((own) => {
    const merged: PastAlert[] = [];
    for (const one of [...own].sort((a, b) => a.openedMs - b.openedMs)) {
      const last = merged.at(-1);
      if (last === undefined || (last.resolvedMs !== null && last.resolvedMs < one.openedMs)) merged.push(one);
      else if (last.resolvedMs !== null && (one.resolvedMs === null || one.resolvedMs > last.resolvedMs))
        merged[merged.length - 1] = { ...last, resolvedMs: one.resolvedMs };
    }
    return merged;
  });
}

/** The cause that the rule would have seen at this instant; undefined: nothing. */
export function causeAt(rule: Rule, past: DevicePast, atMs: number): string | undefined {
  if (past.enrolledMs > atMs) return undefined;
  if (isRuleOf(rule, 'growth')) return growthAt(rule, past, atMs) ? 'growth' : undefined;
  if (rule.kind === 'ransomware') return encryptedAt(past, atMs) ? 'ransomware' : undefined;
  if (rule.kind === 'suspicious') return shrunkAt(past, atMs) ? 'suspicious' : undefined;
  return wantedAlerts(factsAt(past, atMs), [rule], atMs)[0]?.cause;
}

function growthAt(rule: Rule<'growth'>, past: DevicePast, atMs: number): boolean {
  return past.sources.some((source) => {
    const days = daysAt(source, atMs);
    return days !== undefined && isGrowthUnusual(growthSignals(days.at(-1)!, days.slice(0, -1)), rule.parameters);
  });
}

/** It would stand until a person has looked; when one would have is not known, so that it ends here with the next backup without the sign. */
function encryptedAt(past: DevicePast, atMs: number): boolean {
  return past.sources.some((source) => {
    const days = daysAt(source, atMs);
    return days !== undefined && ransomwareSign(days.at(-1)!, days.slice(0, -1)) !== undefined;
  });
}

/** The days of a source as they stood when its last backup was sealed: it is looked at then, and stands until the next one is. */
function daysAt({ points }: SourcePast, atMs: number): ReturnType<typeof figuresByDay> | undefined {
  const until = points.filter(({ sealedMs }) => sealedMs <= atMs);
  const last = until.reduce((newest, { sealedMs }) => Math.max(newest, sealedMs), 0);
  if (last === 0) return undefined;
  return figuresByDay(
    until.filter(({ sealedMs }) => last - sealedMs <= (GROWTH_TIMES.comparedDays + 1) * DAY_MS),
    last,
  );
}

function shrunkAt({ sources }: DevicePast, atMs: number): boolean {
  return sources.some(({ points }) => {
    const until = points.filter(({ sealedMs }) => sealedMs <= atMs).sort((a, b) => a.sealedMs - b.sealedMs);
    const last = until.at(-1);
    if (last === undefined) return false;
    const former = until.slice(0, -1).filter(({ sealedMs }) => last.sealedMs - sealedMs <= SUSPICION_COMPARED_MS);
    return suspicionOf(last, former) !== undefined;
  });
}

/** The facts as they were. */
export function factsAt(past: DevicePast, atMs: number): DeviceFacts {
  return {
    ...past,
    lastSeenMs: seenAt(past, atMs),
    checkedMs: checkedAt(past, atMs),
    pausedUntilMs: null,
    sources: past.sources.filter(({ addedMs }) => addedMs <= atMs).map((source) => sourceAt(past, source, atMs)),
  };
}

/** Outside of a silence a machine is taken to have called just now: what lies between two calls no rule calls silent. */
function seenAt({ gaps, lastSeenMs }: DevicePast, atMs: number): number {
  const silent = gaps.find(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
  return silent?.fromMs ?? Math.min(atMs, lastSeenMs ?? 0);
}

function checkedAt({ listings, storedMs }: DevicePast, atMs: number): number | null {
  if (storedMs === null || storedMs > atMs) return null;
  const known = listings.filter(({ endedMs }) => endedMs <= atMs).map(({ startedMs }) => startedMs);
  return Math.max(storedMs, ...known);
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
    overdue: overdueAt(source, atMs),
    drills: plans.map(({ level, everyHours }) => {
      const reached = passes.filter((pass) => pass.level >= level).map(({ endedMs }) => endedMs);
      return { level, everyHours, passedMs: reached.length === 0 ? null : Math.max(...reached) };
    }),
  };
}

function overdueAt({ overdue }: SourcePast, atMs: number): SourceFacts['overdue'] {
  const there = overdue.filter(({ sinceMs, goneMs }) => sinceMs <= atMs && (goneMs === null || goneMs > atMs));
  if (there.length === 0) return null;
  const gone = overdue.flatMap(({ goneMs }) => (goneMs !== null && goneMs <= atMs ? goneMs : []));
  return {
    sinceMs: Math.min(...there.map(({ sinceMs }) => sinceMs)),
    points: there.length,
    lastGoneMs: gone.length === 0 ? null : Math.max(...gone),
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
    ...(past.lastSeenMs === null ? [] : after(past.lastSeenMs)),
    ...past.gaps.flatMap(({ fromMs, untilMs }) => [...after(fromMs), untilMs]),
    ...(past.storedMs === null ? [] : [past.storedMs, ...after(past.storedMs)]),
    ...past.listings.flatMap(({ startedMs, endedMs }) => [endedMs, ...after(startedMs)]),
    ...past.sources.flatMap(({ addedMs, points, occurrences, runs, passes, overdue }) => [
      addedMs,
      ...after(addedMs),
      ...points.flatMap(({ sealedMs, captureMs }) => [sealedMs, ...after(captureMs), ...after(sealedMs)]),
      ...occurrences.flatMap((one) => [one.dueMs, one.resolvedMs, missedMs(one)]),
      ...runs.map(({ endedMs }) => endedMs),
      ...passes.flatMap(({ endedMs }) => [endedMs, ...after(endedMs)]),
      ...overdue.flatMap(({ sinceMs, goneMs }) => [...after(sinceMs), ...(goneMs === null ? [] : [goneMs])]),
    ]),
  ];
  return [...new Set(found)].filter((atMs) => atMs >= startMs && atMs < endMs).sort((a, b) => a - b);
}

/** How long after an instant a limit of the rule runs out. */
function limitsOf(rule: Rule, { deviceClass, rpoMs, plans, longestPauseMs }: DevicePast): number[] {
  if (isRuleOf(rule, 'silent'))
    return [Math.max(SCHEDULE_TIMES.silentAfterMs, rule.parameters.hours * HOUR_MS, longestPauseMs)];
  if (isRuleOf(rule, 'upkeep')) return [rule.parameters.days * DAY_MS];
  if (isRuleOf(rule, 'retention')) return [rule.parameters.overdueDays * DAY_MS];
  if (isRuleOf(rule, 'no_point')) {
    const { serverHours, workstationHours } = rule.parameters;
    return [Math.max((deviceClass === 'server' ? serverHours : workstationHours) * HOUR_MS, rpoMs)];
  }
  if (isRuleOf(rule, 'drill_overdue'))
    return plans.map(({ everyHours }) => (everyHours + rule.parameters.graceHours) * HOUR_MS + rpoMs);
  return [];
}
