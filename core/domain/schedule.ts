/**
 * When a backup is expected, and what became of the expectation. Pure: the sweep gives the facts and carries out the plan.
 * All times are milliseconds since the epoch.
 */
import { cronInstants, parseCron } from './cron.ts';
import type { OccurrenceOutcome, RunOutcome, RunState } from './outcome.ts';
import type { BackupSchedule, CalendarSchedule, IntervalSchedule } from './policy.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const SCHEDULE_TIMES = {
  /** Occurrences are written at least so long before they are due. */
  horizonMs: 24 * HOUR_MS,
  /** How far back a sweep that did not run for a while fills in what was expected meanwhile. */
  catchUpMs: 35 * 24 * HOUR_MS,
  /** After its window, before an occurrence without a run is called missed: a commit may be on its way. */
  graceMs: 5 * MINUTE_MS,
  /** A run without a word for so long is stuck. The agent reports every few seconds while it works. */
  stuckAfterMs: 30 * MINUTE_MS,
  /** A device that says nothing for so long is silent, or for its own interval when that is longer. */
  silentAfterMs: 2 * HOUR_MS,
  /** Devices with one schedule begin over this stretch (or over their interval when it is shorter), not all at midnight. */
  spreadMaxMs: 4 * HOUR_MS,
} as const;

export interface ExpectedTime {
  readonly dueMs: number;
  /** Until when a run may commit and still be on time. */
  readonly windowEndMs: number;
}

/** The device's place in the interval: whole minutes, the same for ever, by FNV-1a over its id. */
export function spreadMs(deviceId: string, everyMinutes: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < deviceId.length; at++) hash = Math.imul(hash ^ deviceId.charCodeAt(at), 0x01000193) >>> 0;
  // FNV's low bits mix poorly for ids that differ late: fold the high half in.
  const mixed = (hash ^ (hash >>> 16)) >>> 0;
  const rangeMinutes = Math.min(everyMinutes, SCHEDULE_TIMES.spreadMaxMs / MINUTE_MS);
  return (mixed % rangeMinutes) * MINUTE_MS;
}

/** Every expected time in [fromMs, untilMs), strictly increasing. A calendar without a zone of its own is read in UTC. */
export function expectedTimes(
  schedule: BackupSchedule,
  deviceId: string,
  fromMs: number,
  untilMs: number,
): ExpectedTime[] {
  return 'cron' in schedule
    ? calendarTimes(schedule, deviceId, fromMs, untilMs)
    : intervalTimes(schedule, deviceId, fromMs, untilMs);
}

/** Multiples of the interval since midnight UTC, 1 January 1970, plus the spread. */
function intervalTimes(schedule: IntervalSchedule, deviceId: string, fromMs: number, untilMs: number): ExpectedTime[] {
  const everyMs = schedule.everyMinutes * MINUTE_MS;
  const offsetMs = spreadMs(deviceId, schedule.everyMinutes);
  const times: ExpectedTime[] = [];
  for (let dueMs = offsetMs + Math.ceil((fromMs - offsetMs) / everyMs) * everyMs; dueMs < untilMs; dueMs += everyMs)
    times.push({ dueMs, windowEndMs: dueMs + windowLengthMs(schedule) });
  return times;
}

/** The calendar's times plus the device's place in the first half of the window; the other half is left for the run. */
function calendarTimes(schedule: CalendarSchedule, deviceId: string, fromMs: number, untilMs: number): ExpectedTime[] {
  const offsetMs = calendarSpreadMs(schedule, deviceId);
  const lengthMs = windowLengthMs(schedule);
  const crons = schedule.cron.map(parseCron);
  // Further than asked by one window, so that the next opening is known where it cuts a window short.
  const opens = cronInstants(crons, schedule.timeZone ?? 'UTC', fromMs - offsetMs, untilMs - offsetMs + lengthMs);
  return opens.flatMap((openMs, at) => {
    const dueMs = openMs + offsetMs;
    if (dueMs >= untilMs) return [];
    const nextDueMs = (opens[at + 1] ?? Number.POSITIVE_INFINITY) + offsetMs;
    return [{ dueMs, windowEndMs: Math.min(openMs + lengthMs, nextDueMs) }];
  });
}

function calendarSpreadMs(schedule: CalendarSchedule, deviceId: string): number {
  return spreadMs(deviceId, Math.max(1, Math.floor(schedule.windowMinutes / 2)));
}

/** The window never reaches past the next due time: a run belongs to one occurrence. */
export function windowLengthMs(schedule: BackupSchedule): number {
  const minutes =
    'cron' in schedule
      ? (schedule.endMinutes ?? schedule.windowMinutes)
      : Math.min(schedule.windowMinutes, schedule.everyMinutes);
  return minutes * MINUTE_MS;
}

/** Until when a run that is due at `dueMs` may begin: what begins later is caught up. */
export function startUntilMs(schedule: BackupSchedule, deviceId: string, dueMs: number): number {
  const spentMs = 'cron' in schedule ? calendarSpreadMs(schedule, deviceId) : 0;
  return dueMs + schedule.windowMinutes * MINUTE_MS - spentMs;
}

/** The end of the window of an occurrence; one that is no regular time (that of an enrolment) has a whole window. */
export function windowEndOf(schedule: BackupSchedule, deviceId: string, dueMs: number): number {
  const [time] = expectedTimes(schedule, deviceId, dueMs, dueMs + 1);
  return time?.windowEndMs ?? dueMs + windowLengthMs(schedule);
}

/** The first expected time at or after `fromMs`. A calendar may rest for years (29 February): it is looked for that far. */
export function nextExpected(schedule: BackupSchedule, deviceId: string, fromMs: number): ExpectedTime | undefined {
  for (let days = 2; days <= 4096; days *= 4) {
    const [first] = expectedTimes(schedule, deviceId, fromMs, fromMs + days * 24 * HOUR_MS);
    if (first !== undefined) return first;
  }
  return undefined;
}

/** The longest pause between two backups in the five weeks from `fromMs`, in minutes; at most a week, the longest interval. */
export function longestPauseMinutes(schedule: BackupSchedule, fromMs: number): number {
  if (!('cron' in schedule)) return schedule.everyMinutes;
  const times = expectedTimes(schedule, '', fromMs, fromMs + SCHEDULE_TIMES.catchUpMs);
  const gaps = times.slice(1).map((time, at) => (time.dueMs - times[at]!.dueMs) / MINUTE_MS);
  const weekMinutes = 7 * 24 * 60;
  return gaps.length === 0 ? weekMinutes : Math.min(weekMinutes, Math.max(...gaps));
}

export interface PlannedOccurrence extends ExpectedTime {
  readonly id: string;
}

export interface OccurrencePlan {
  readonly create: readonly ExpectedTime[];
  /** Written under an earlier policy, not due yet, and no part of the present one. */
  readonly removeIds: readonly string[];
}

/**
 * Which occurrences to write and which to take back. Running it again with its plan carried out gives an empty plan.
 * The first expected time after an enrolment is left out when it follows by less than half an interval (a calendar's: before
 * the end of the enrolment's own window): an enrolment is due at once, and must not demand a second backup minutes later.
 * What falls into a pause is not expected.
 */
export function planOccurrences(input: {
  readonly schedule: BackupSchedule;
  readonly deviceId: string;
  readonly nowMs: number;
  /** The policy's pause. */
  readonly pausedUntilMs?: number | undefined;
  /** Since when the source is protected. */
  readonly sinceMs: number;
  /** The newest occurrence that is due already, whatever became of it. */
  readonly lastDueMs: number | null;
  /** Those that are not due yet. */
  readonly future: readonly PlannedOccurrence[];
}): OccurrencePlan {
  const { schedule, deviceId, nowMs, future } = input;
  const startMs = Math.max(
    input.lastDueMs === null ? input.sinceMs : input.lastDueMs + 1,
    nowMs - SCHEDULE_TIMES.catchUpMs,
    input.pausedUntilMs ?? 0,
  );
  const apartMs = 'cron' in schedule ? 0 : (schedule.everyMinutes * MINUTE_MS) / 2;
  let previousMs = input.lastDueMs ?? Number.NEGATIVE_INFINITY;
  // A calendar has no even intervals: its first time is left out when the last due one is irregular and still has its window.
  const holdMs = 'cron' in schedule ? irregularEndMs(schedule, deviceId, input.lastDueMs) : Number.NEGATIVE_INFINITY;
  const wanted = expectedTimes(
    schedule,
    deviceId,
    startMs,
    horizonMs(schedule, deviceId, Math.max(nowMs, input.pausedUntilMs ?? 0)),
  ).filter((time) => {
    if (time.dueMs - previousMs < apartMs || time.dueMs < holdMs) return false;
    previousMs = time.dueMs;
    return true;
  });
  const wantedEnd = new Map(wanted.map((time) => [time.dueMs, time.windowEndMs]));
  const isKept = (one: PlannedOccurrence) => wantedEnd.get(one.dueMs) === one.windowEndMs;
  const kept = new Set(future.filter(isKept).map((one) => one.dueMs));
  return {
    create: wanted.filter((time) => !kept.has(time.dueMs)),
    removeIds: future.filter((one) => !isKept(one)).map((one) => one.id),
  };
}

/** So far ahead that the next time is always known, and at least 24 h of them between sweeps; after the end of a pause. */
function horizonMs(schedule: BackupSchedule, deviceId: string, fromMs: number): number {
  if (!('cron' in schedule)) {
    const everyMs = schedule.everyMinutes * MINUTE_MS;
    return fromMs + Math.max(SCHEDULE_TIMES.horizonMs, everyMs) + everyMs;
  }
  const beyond = nextExpected(schedule, deviceId, fromMs + SCHEDULE_TIMES.horizonMs);
  return (beyond?.dueMs ?? fromMs + SCHEDULE_TIMES.horizonMs) + 1;
}

function irregularEndMs(schedule: CalendarSchedule, deviceId: string, lastDueMs: number | null): number {
  if (lastDueMs === null || expectedTimes(schedule, deviceId, lastDueMs, lastDueMs + 1).length > 0)
    return Number.NEGATIVE_INFINITY;
  return lastDueMs + windowLengthMs(schedule);
}

export interface OccurrenceFacts extends ExpectedTime {
  /** What is recorded so far; null while open. */
  readonly outcome: OccurrenceOutcome | null;
  /** When the source's next occurrence is due; null when none is known. */
  readonly nextDueMs: number | null;
}

/** A run of the same source that serves this occurrence: it names it, or it names none and began in its time. */
export interface RunFacts {
  readonly id: string;
  readonly state: RunState;
  readonly outcome: RunOutcome | null;
  readonly startedMs: number;
  readonly lastProgressMs: number;
  readonly committedMs: number | null;
  readonly errorMessage: string | null;
}

export interface Resolution {
  readonly outcome: OccurrenceOutcome;
  readonly runId: string | null;
  readonly reason: string;
}

/** Outcomes that a later run of the same occurrence may still turn to the better, until the next one is due. */
const AMENDABLE = new Set<OccurrenceOutcome>(['missed', 'failed', 'stuck']);

/**
 * What became of an occurrence; undefined while it stays as it is. Retries belong to the same row: a failed try decides
 * nothing while the window is open, and a machine that was off and catches up before the next due time was late, not missing.
 */
export function resolveOccurrence(
  occurrence: OccurrenceFacts,
  runs: readonly RunFacts[],
  nowMs: number,
): Resolution | undefined {
  const { outcome } = occurrence;
  if (outcome !== null && !AMENDABLE.has(outcome)) return undefined;
  const good = bestSealed(occurrence, runs);
  if (good !== undefined) return good;
  if (outcome !== null) return undefined;
  if (nowMs < occurrence.windowEndMs + SCHEDULE_TIMES.graceMs) return undefined;
  // Still at work, or waiting for the server to check what it committed: neither is a failure.
  if (runs.some((run) => run.state === 'committed' || (run.state === 'running' && !isStuck(run, nowMs))))
    return undefined;
  const last = runs.reduce<RunFacts | undefined>(
    (a, b) => (a === undefined || b.startedMs >= a.startedMs ? b : a),
    undefined,
  );
  if (last === undefined)
    return { outcome: 'missed', runId: null, reason: 'No backup began before the window closed.' };
  if (last.state === 'failed')
    return { outcome: 'failed', runId: last.id, reason: last.errorMessage ?? 'The backup failed.' };
  return { outcome: 'stuck', runId: last.id, reason: last.errorMessage ?? 'The backup began and then fell silent.' };
}

/** A running backup that has not said a word for too long. A committed one waits for us, not for the agent. */
export function isStuck(run: Pick<RunFacts, 'state' | 'lastProgressMs'>, nowMs: number): boolean {
  return run.state === 'running' && nowMs - run.lastProgressMs > SCHEDULE_TIMES.stuckAfterMs;
}

/** Has the device said nothing for too long? `lastSeenMs` null: never since `enrolledMs`. */
export function isSilent(lastSeenMs: number | null, enrolledMs: number, everyMinutes: number, nowMs: number): boolean {
  const afterMs = Math.max(SCHEDULE_TIMES.silentAfterMs, everyMinutes * MINUTE_MS);
  return nowMs - Math.max(lastSeenMs ?? 0, enrolledMs) > afterMs;
}

/** Complete and on time before complete and late before partial; the earliest of equals. */
function bestSealed(occurrence: OccurrenceFacts, runs: readonly RunFacts[]): Resolution | undefined {
  const sealed = runs
    .filter((run) => run.state === 'sealed' && run.committedMs !== null)
    .sort((a, b) => a.committedMs! - b.committedMs!);
  const complete = sealed.find((run) => run.outcome === 'ok');
  if (complete !== undefined) {
    if (complete.committedMs! <= occurrence.windowEndMs)
      return { outcome: 'ok', runId: complete.id, reason: 'Committed inside the window.' };
    if (occurrence.nextDueMs === null || complete.committedMs! < occurrence.nextDueMs)
      return {
        outcome: 'late',
        runId: complete.id,
        reason: 'Committed after the window, before the next backup was due.',
      };
    // Later than the next due time: it helped the next one. This one keeps what it was, or is late where nothing is recorded.
    return occurrence.outcome === null
      ? { outcome: 'late', runId: complete.id, reason: 'Committed only after the next backup was due.' }
      : undefined;
  }
  const partial = sealed.find((run) => run.outcome === 'partial');
  if (partial === undefined) return undefined;
  return { outcome: 'partial', runId: partial.id, reason: 'Committed, but some items could not be read.' };
}
