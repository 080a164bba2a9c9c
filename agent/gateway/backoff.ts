/** Waiting between attempts: full jitter, so that a fleet that lost its gateway does not come back as one wave. */
import { cancelled } from './http-transfer.ts';

export interface Waiting {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

const FIRST_MS = 400;
const CAP_MS = 60_000;
/** A server may ask for patience, but not for so much that a backup misses its window. */
const RETRY_AFTER_MAX_MS = 5 * 60_000;

/** Milliseconds before attempt `attempt` + 1 (attempts count from 0). Retry-After is a floor, with jitter above it. */
export function backoffMs(attempt: number, retryAfterSeconds: number | undefined, random: () => number): number {
  const window = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  const floor = Math.min(RETRY_AFTER_MAX_MS, (retryAfterSeconds ?? 0) * 1000);
  return Math.round(floor + random() * window);
}

/** @throws HoldfastError cancelled when the signal fires first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled());
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

export const systemWaiting: Waiting = { random: Math.random, sleep };
