import type { SendOutcome } from '../../../core/domain/delivery/attempts.ts';
import type { CallResult } from '../outbound/call.ts';
import { scrubAnswer } from '../outbound/scrub.ts';

const WAIT_MS_MAX = 2 * 3_600_000;

/**
 * What an HTTP answer means for the delivery. `isStrict`: services that describe their errors say with a 4xx that the message
 * itself is wrong, and another try would end in the same way; a receiver of one's own making may merely be broken today.
 */
export function webOutcome(
  result: CallResult,
  { secrets, nowMs, isStrict, name }: { secrets: readonly string[]; nowMs: number; isStrict: boolean; name: string },
): SendOutcome {
  if (result.state === 'not_sent')
    return { state: result.isOurs ? 'rejected' : 'refused', reason: result.reason, response: '' };
  if (result.state === 'no_answer') return { state: 'unknown', reason: result.reason, response: '' };
  const { status, headers } = result;
  const response = scrubAnswer(`${status} ${result.text}`, secrets);
  if (status >= 200 && status < 300) return { state: 'sent', response };
  if (status >= 300 && status < 400)
    return {
      state: 'rejected',
      reason: `${name} sends us to another address (${status}); redirects are not followed. Enter the final address.`,
      response,
    };
  if (status === 410)
    return { state: 'gone', reason: `${name} says that this address is gone for good (410).`, response };
  if (status === 429 || status === 503) {
    const waitMs = retryAfterMs(headers['retry-after'], nowMs);
    const reason = `${name} asks to try again later (${status}).`;
    return { state: 'refused', reason, response, ...(waitMs === undefined ? {} : { waitMs }) };
  }
  const isPassing = status === 408 || status === 409 || status === 425 || status >= 500;
  const reason = `${name} did not take it (${status}).`;
  return { state: isStrict && !isPassing ? 'rejected' : 'refused', reason, response };
}

/** Seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = /^\d{1,6}$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, WAIT_MS_MAX) : undefined;
}
