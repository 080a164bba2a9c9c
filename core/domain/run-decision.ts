/**
 * May a scheduled backup begin now? One rule for both sides: the service offers an occurrence by it, the agent obeys by it,
 * so that neither orders what the other declines. Pure; all times are milliseconds since the epoch.
 */
import type { PolicyDocument } from './policy.ts';
import { startUntilMs, windowEndOf, windowLengthMs } from './schedule.ts';

const MINUTE_MS = 60_000;
/** Waits before the second to the fifth try: long enough for a restart, short enough for a window of hours. */
export const RETRY_MINUTES: readonly number[] = [10, 20, 40, 60];

export interface TryFacts {
  readonly startedMs: number;
  /** When it failed; null for one that was cut short (a restart, a lost network): that is gone on with at once. */
  readonly failedMs: number | null;
}

export interface RunQuestion {
  readonly policy: Pick<PolicyDocument, 'schedule' | 'pausedUntilMs'>;
  readonly deviceId: string;
  readonly dueMs: number;
  /** Those of this occurrence that are over and did not succeed, in any order. */
  readonly tries: readonly TryFacts[];
  /** Is any backup of this device under way? Two never run beside one another. */
  readonly isRunning: boolean;
  readonly nowMs: number;
}

export type RunDecision =
  | {
      readonly kind: 'start';
      readonly why: 'due' | 'caught_up' | 'retry';
      /** When the run is stopped if it is not done; null: never. */
      readonly stopAtMs: number | null;
    }
  | {
      readonly kind: 'wait';
      readonly why: 'not_due' | 'running' | 'paused' | 'retry';
      /** Null: until something else changes. */
      readonly untilMs: number | null;
    }
  /** This occurrence is given up: the next one is on time again. */
  | { readonly kind: 'skip'; readonly why: 'too_late' | 'tries_used' };

export function decideRun(question: RunQuestion): RunDecision {
  const { policy, deviceId, dueMs, tries, nowMs } = question;
  const { schedule, pausedUntilMs = 0 } = policy;
  if (question.isRunning) return { kind: 'wait', why: 'running', untilMs: null };
  if (nowMs < pausedUntilMs) return { kind: 'wait', why: 'paused', untilMs: pausedUntilMs };
  if (nowMs < dueMs) return { kind: 'wait', why: 'not_due', untilMs: dueMs };
  const isLate = nowMs > startUntilMs(schedule, deviceId, dueMs);
  if (tries.length === 0) {
    if (isLate && schedule.catchUp === false) return { kind: 'skip', why: 'too_late' };
    return { kind: 'start', why: isLate ? 'caught_up' : 'due', stopAtMs: stopAt(question, nowMs) };
  }
  const firstMs = Math.min(...tries.map(({ startedMs }) => startedMs));
  const delays = schedule.retryMinutes ?? RETRY_MINUTES;
  const delayMinutes = delays[tries.length - 1];
  if (delayMinutes === undefined) return { kind: 'skip', why: 'tries_used' };
  const failures = tries.flatMap(({ failedMs }) => failedMs ?? []);
  const retryMs = failures.length === 0 ? nowMs : Math.max(...failures) + delayMinutes * MINUTE_MS;
  // Cut short after it failed before: the pause of the failure counts from there and is over soon.
  const lastFailed = newestOf(tries).failedMs !== null;
  const atMs = lastFailed ? retryMs : nowMs;
  if (Math.max(atMs, nowMs) >= retryUntilMs(question, firstMs)) return { kind: 'skip', why: 'too_late' };
  if (nowMs < atMs) return { kind: 'wait', why: 'retry', untilMs: atMs };
  return { kind: 'start', why: 'retry', stopAtMs: stopAt(question, firstMs) };
}

function newestOf(tries: readonly TryFacts[]): TryFacts {
  return tries.reduce((a, b) => (b.startedMs >= a.startedMs ? b : a));
}

/** The end of the window; a backup that began after it, to catch up, has a window of its own. */
function retryUntilMs({ policy, deviceId, dueMs }: RunQuestion, firstMs: number): number {
  const endMs = windowEndOf(policy.schedule, deviceId, dueMs);
  return firstMs < endMs ? endMs : firstMs + windowLengthMs(policy.schedule);
}

/** Only a calendar with an end stops its runs. */
function stopAt(question: RunQuestion, firstMs: number): number | null {
  const { schedule } = question.policy;
  if (!('cron' in schedule) || schedule.endMinutes === undefined) return null;
  return retryUntilMs(question, firstMs);
}
