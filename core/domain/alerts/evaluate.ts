/**
 * Which alerts the state of a device asks for under a set of rules. Pure: the sweep gives the facts of every device, the
 * back-test those of earlier instants, and both get the same answer.
 */
import { isSilent } from '../schedule.ts';
import { errorCause } from './causes.ts';
import type { DeviceFacts, SourceFacts } from './device-facts.ts';
import { type AlertKind, isStateKind, KIND_WORDS, type Severity } from './kinds.ts';
import { noPointCause, noPointMessage } from './no-point.ts';
import { isRuleOf, matchesFilter, type Rule } from './rules.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface WantedAlert {
  readonly kind: AlertKind;
  /** Null: the built-in rule of the kind. */
  readonly ruleId: string | null;
  readonly severity: Severity;
  readonly cause: string;
  readonly title: string;
  readonly message: string;
}

/** What a rule saw, before it is named and weighed. */
interface Sight {
  readonly cause: string;
  readonly title?: string;
  readonly message: string;
}

/** The alerts that this device asks for now, at most one a rule. */
export function wantedAlerts(facts: DeviceFacts, rules: readonly Rule[], nowMs: number): WantedAlert[] {
  return rules.flatMap((rule) => {
    if (!rule.isEnabled || !isStateKind(rule.kind) || !matchesFilter(rule.filter, facts)) return [];
    const sight = look(rule, facts, nowMs);
    if (sight === undefined) return [];
    const { id: ruleId, kind, severity } = rule;
    const title = sight.title ?? (ruleId === null ? KIND_WORDS[kind].name : rule.name);
    return [{ kind, ruleId, severity, cause: sight.cause, title, message: sight.message }];
  });
}

function look(rule: Rule, facts: DeviceFacts, nowMs: number): Sight | undefined {
  if (isRuleOf(rule, 'silent')) return silent(facts, rule.parameters.hours, nowMs);
  if (isRuleOf(rule, 'upkeep')) return upkeep(facts, rule.parameters.days, nowMs);
  for (const source of facts.sources) {
    const sight = lookAtSource(rule, facts, source, nowMs);
    if (sight !== undefined) return sight;
  }
  return undefined;
}

function lookAtSource(rule: Rule, facts: DeviceFacts, source: SourceFacts, nowMs: number): Sight | undefined {
  if (isRuleOf(rule, 'no_point')) return noPoint(facts, source, limitOf(rule, facts), nowMs);
  if (isRuleOf(rule, 'failing')) return failing(source, rule.parameters.runs);
  if (isRuleOf(rule, 'missed')) return missed(facts, source, rule.parameters.backups, nowMs);
  if (isRuleOf(rule, 'run_failed')) return runFailed(source);
  if (isRuleOf(rule, 'stuck')) return stuck(source);
  if (isRuleOf(rule, 'retention')) return retention(facts, source, rule.parameters.overdueDays, nowMs);
  if (isRuleOf(rule, 'drill_overdue')) return drillOverdue(facts, source, rule.parameters.graceHours, nowMs);
  return undefined;
}

/** How long a device may go without a usable point. A policy that promises less often is not broken by its own schedule. */
function limitOf({ parameters }: Rule<'no_point'>, { deviceClass, rpoMs }: DeviceFacts): number {
  const hours = deviceClass === 'server' ? parameters.serverHours : parameters.workstationHours;
  return Math.max(hours * HOUR_MS, rpoMs);
}

/** When the no-point rule is broken for a source unless a usable point comes; the instant from which its age counts. */
export function noPointSinceMs(facts: Pick<DeviceFacts, 'enrolledMs'>, source: SourceFacts): number {
  return source.usableMs ?? Math.max(facts.enrolledMs, source.addedMs);
}

function noPoint(facts: DeviceFacts, source: SourceFacts, limitMs: number, nowMs: number): Sight | undefined {
  if (nowMs - noPointSinceMs(facts, source) <= limitMs) return undefined;
  const why = noPointCause(facts, source, isOffline(facts, nowMs), nowMs);
  const cause = why === 'failed' ? errorCause(source.lastRun!.errorCode, source.lastRun!.errorMessage) : why;
  return { cause, message: noPointMessage(facts, source, why, limitMs) };
}

function failing(source: SourceFacts, runs: number): Sight | undefined {
  const counted = countLeading(source, (outcome) => outcome === 'failed' || outcome === 'stuck');
  if (counted < runs) return undefined;
  const { lastRun } = source;
  const said = lastRun?.errorMessage ?? 'They ended with an error.';
  return {
    cause: lastRun?.outcome === 'failed' && lastRun.state === 'aborted' ? 'stuck' : runCause(source),
    message: `${runs === counted ? counted : `At least ${runs}`} expected backups in a row failed. The last one said: ${said} Earlier backups are not affected.`,
  };
}

function missed(facts: DeviceFacts, source: SourceFacts, backups: number, nowMs: number): Sight | undefined {
  if (countLeading(source, (outcome) => outcome === 'missed') < backups) return undefined;
  const many = backups === 1 ? 'its backup' : `${backups} backups`;
  return {
    cause: isOffline(facts, nowMs) ? 'offline' : 'not_started',
    message: `${facts.deviceName} did not begin ${many} before the window closed. Its data is as old as the last restore point. Check that the machine is on and its agent runs.`,
  };
}

function runFailed(source: SourceFacts): Sight | undefined {
  if (source.lastRun?.state !== 'failed') return undefined;
  const said = source.lastRun.errorMessage ?? 'The backup ended with an error.';
  return { cause: runCause(source), message: `${said} Earlier backups are not affected.` };
}

/** Being stopped on purpose is no failure: only a run that fell silent has this outcome. */
function stuck(source: SourceFacts): Sight | undefined {
  if (source.lastRun?.state !== 'aborted' || source.lastRun.outcome !== 'failed') return undefined;
  return {
    cause: 'stuck',
    message: `${source.lastRun.errorMessage ?? 'The backup began and then fell silent.'} Earlier backups are not affected. Check that the machine is on and reaches the service; the next backup goes on from what was sent.`,
  };
}

function silent(facts: DeviceFacts, hours: number, nowMs: number): Sight | undefined {
  const minutes = Math.max(hours * 60, facts.longestPauseMs / 60_000);
  if (!isSilent(facts.lastSeenMs, facts.enrolledMs, minutes, nowMs)) return undefined;
  return {
    cause: 'offline',
    message: `${facts.deviceName} has not called for a long time, so it backs up nothing. Check that it is on, that its agent runs, and that it reaches the service.`,
  };
}

/** Overdue against the plan, with what protection.ts grants: a drill takes the first point that comes after the interval. */
function drillOverdue(facts: DeviceFacts, source: SourceFacts, graceHours: number, nowMs: number): Sight | undefined {
  if (source.firstSealedMs === null) return undefined;
  const late = source.drills.find(
    ({ everyHours, passedMs }) =>
      nowMs - (passedMs ?? source.firstSealedMs!) > (everyHours + graceHours) * HOUR_MS + facts.rpoMs,
  );
  if (late === undefined) return undefined;
  return {
    cause: 'drill_overdue',
    message: `The policy asks for a restore test of level ${late.level} every ${late.everyHours} hours, and ${late.passedMs === null ? 'none has passed yet' : 'the last one that passed is older'}. Backups go on, but nothing proves that they can be restored. Look at the page Drills for what stops the tests.`,
  };
}

function upkeep(facts: DeviceFacts, days: number, nowMs: number): Sight | undefined {
  if (facts.checkedMs === null || nowMs - facts.checkedMs <= days * DAY_MS) return undefined;
  return {
    cause: 'upkeep',
    message: `The stored data of ${facts.deviceName} has not been compared with its ledger for more than ${days === 1 ? 'a day' : `${days} days`}; that is done every day. Damage would not be noticed meanwhile. Look at the page Queues for whether the checks run, and at Integrity.`,
  };
}

/** No restore is the worse for it, but the storage grows, and what should be gone by contract or law is not. */
function retention(facts: DeviceFacts, { overdue }: SourceFacts, days: number, nowMs: number): Sight | undefined {
  if (overdue === null || nowMs - overdue.sinceMs <= days * DAY_MS) return undefined;
  const isOne = overdue.points === 1;
  const cause =
    overdue.lastGoneMs === null
      ? 'No point of this device was ever removed: this service does not remove them by itself yet, and nobody else did.'
      : 'Points of this device were removed before, and no longer are.';
  return {
    cause: overdue.lastGoneMs === null ? 'retention_never' : 'retention_stopped',
    message: `${overdue.points} restore ${isOne ? 'point' : 'points'} of ${facts.deviceName} that the policy no longer keeps ${isOne ? 'is' : 'are'} still there${isOne ? '' : ', the first of them'} for more than ${days === 1 ? 'a day' : `${days} days`}. ${cause} Every backup can be restored as before, but the storage grows. Have them removed where the storage is kept, or change in the policy what is kept.`,
  };
}

/** Has it said nothing for longer than any machine should? Silence explains what did not happen. */
function isOffline(facts: DeviceFacts, nowMs: number): boolean {
  return isSilent(facts.lastSeenMs, facts.enrolledMs, 0, nowMs);
}

function runCause({ lastRun }: SourceFacts): string {
  return errorCause(lastRun?.errorCode ?? null, lastRun?.errorMessage ?? null);
}

/** How many of the newest outcomes are so, an excused one left out. */
function countLeading({ outcomes }: SourceFacts, isSo: (outcome: string) => boolean): number {
  const counted = outcomes.filter((outcome) => outcome !== 'excused');
  const end = counted.findIndex((outcome) => !isSo(outcome));
  return end === -1 ? counted.length : end;
}
