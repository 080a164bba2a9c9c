/** When a delivery is tried again, and when no more; when a channel rests, and when it is switched off. Pure. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Attempts before a delivery is given up. */
export const ATTEMPTS_MAX = 5;
/**
 * Waits between them. The second is longer than mail servers greylist (RFC 6647 speaks of minutes), all together they
 * outlast a restart and a small outage.
 */
export const RETRY_WAITS_MS = [30_000, 6 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS] as const;
/**
 * Attempts of which nobody knows whether they arrived. Two copies of one message are bearable; a server that swallows mail
 * and then hangs up would be sent five.
 */
export const UNKNOWN_MAX = 2;
/** A message so old tells nobody anything new: it stands in the log, and the digest counts what is open. */
export const OLDEST_MS = 3 * 24 * HOUR_MS;

/** Failed messages in a row after which the channel rests before the next is tried. */
export const BREAKER_FAILURES = 5;
const BREAKER_FIRST_MS = 2 * MINUTE_MS;
const BREAKER_MAX_MS = HOUR_MS;
/** So long nothing has arrived, over so many attempts: a person has to look at it. */
const DISABLE_AFTER_MS = 3 * 24 * HOUR_MS;
const DISABLE_AFTER_FAILURES = 10;

export type SendOutcome =
  | { readonly state: 'sent'; readonly response: string; readonly reference?: string }
  /** Nothing arrived; another try may help. */
  | { readonly state: 'refused'; readonly reason: string; readonly response: string; readonly waitMs?: number }
  /** It may have arrived: the connection ended before the answer. */
  | { readonly state: 'unknown'; readonly reason: string; readonly response: string }
  /** Another try would end in the same way. */
  | { readonly state: 'rejected'; readonly reason: string; readonly response: string }
  /** The other side says that it wants nothing more, ever. */
  | { readonly state: 'gone'; readonly reason: string; readonly response: string };

export type NextStep = { readonly step: 'end' } | { readonly step: 'again'; readonly atMs: number };

/** `attempts` and `unknowns` count the one that has just failed. */
export function afterFailure(
  outcome: Exclude<SendOutcome, { state: 'sent' }>,
  { attempts, unknowns, createdMs, nowMs }: { attempts: number; unknowns: number; createdMs: number; nowMs: number },
): NextStep {
  if (outcome.state === 'rejected' || outcome.state === 'gone') return { step: 'end' };
  if (attempts >= ATTEMPTS_MAX || unknowns >= UNKNOWN_MAX) return { step: 'end' };
  const wait = RETRY_WAITS_MS[attempts - 1] ?? 2 * HOUR_MS;
  const asked = outcome.state === 'refused' ? (outcome.waitMs ?? 0) : 0;
  const atMs = nowMs + Math.max(wait, Math.min(asked, 2 * HOUR_MS));
  return atMs - createdMs > OLDEST_MS ? { step: 'end' } : { step: 'again', atMs };
}

export interface ChannelHealth {
  readonly failures: number;
  readonly failingSinceMs: number | null;
}

/** The channel after one more failed message: until when it rests, and whether it is switched off. */
export function afterChannelFailure(
  before: ChannelHealth,
  nowMs: number,
): ChannelHealth & { readonly restsUntilMs: number | null; readonly isDisabled: boolean } {
  const failures = before.failures + 1;
  const failingSinceMs = before.failingSinceMs ?? nowMs;
  const over = failures - BREAKER_FAILURES;
  return {
    failures,
    failingSinceMs,
    restsUntilMs: over < 0 ? null : nowMs + Math.min(BREAKER_MAX_MS, BREAKER_FIRST_MS * 2 ** Math.min(over, 10)),
    isDisabled: failures >= DISABLE_AFTER_FAILURES && nowMs - failingSinceMs >= DISABLE_AFTER_MS,
  };
}
