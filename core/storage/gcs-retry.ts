/** When and how often a call to Google Cloud Storage is tried again. The client's own retries are off where these are on. */
import { randomInt } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { storageUnavailable } from './store-errors.ts';

export interface RetryPolicy {
  readonly attemptsMax: number;
  /** Upper bound of the first wait; it doubles with each attempt. The wait is random below the bound ("full jitter"). */
  readonly firstWaitMs: number;
  readonly waitMsMax: number;
  readonly sleep: (ms: number) => Promise<void>;
  /** 0 (inclusive) to 1. */
  readonly random: () => number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attemptsMax: 6,
  firstWaitMs: 250,
  waitMsMax: 16_000,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: () => randomInt(2 ** 32) / 2 ** 32,
};

/** HTTP status of a failure of the client; undefined when no answer came at all. */
export function statusOf(error: unknown): number | undefined {
  const { code, status } = (error ?? {}) as { code?: unknown; status?: unknown };
  for (const candidate of [code, status]) {
    const number = typeof candidate === 'string' ? Number(candidate) : candidate;
    if (typeof number === 'number' && number >= 100 && number < 600) return number;
  }
  return undefined;
}

/** Statuses that Google names as worth a retry, and every failure of the connection itself. */
export function isWorthRetrying(error: unknown): boolean {
  if (error instanceof HoldfastError) return false;
  const status = statusOf(error);
  if (status !== undefined) return status === 408 || status === 429 || status >= 500;
  return isConnectionFailure(error);
}

const CONNECTION_CODES = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_SOCKET',
]);

function isConnectionFailure(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = (at as NodeJS.ErrnoException).code ?? '';
    if (CONNECTION_CODES.has(code) || /socket hang up|premature close|network|timeout/i.test(at.message)) return true;
  }
  return false;
}

/**
 * Waits before attempt `failures + 1`, or ends the matter.
 * @param failures how many attempts have failed by now, `error` being the last.
 * @throws the error itself when it is a HoldfastError, storage_unavailable when retrying is over or of no use.
 */
export async function waitBeforeRetry(
  policy: RetryPolicy,
  failures: number,
  action: string,
  key: string,
  error: unknown,
): Promise<void> {
  if (error instanceof HoldfastError) throw error;
  if (!isWorthRetrying(error) || failures >= policy.attemptsMax) throw storageUnavailable(action, key, error);
  const boundMs = Math.min(policy.waitMsMax, policy.firstWaitMs * 2 ** (failures - 1));
  await policy.sleep(policy.random() * boundMs);
}

/** Calls `attempt(n)`, n from 1, until it succeeds or waitBeforeRetry ends the matter. */
export async function withRetries<T>(
  policy: RetryPolicy,
  action: string,
  key: string,
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt(number);
    } catch (error) {
      await waitBeforeRetry(policy, number, action, key, error);
    }
  }
}
