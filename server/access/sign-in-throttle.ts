/**
 * Slows guessing without locking anybody out: a growing delay per account and address, so that a stranger elsewhere cannot
 * keep the real user from signing in (security bar S7).
 */
import { HoldfastError } from '../../core/base/errors.ts';

const FREE_TRIES = 5;
const DELAY_FIRST_MS = 2_000;
const DELAY_MAX_MS = 10 * 60_000;
const FORGET_MS = 60 * 60_000;
const ENTRIES_MAX = 10_000;

interface Entry {
  failures: number;
  lastMs: number;
}

export class SignInThrottle {
  readonly #entries = new Map<string, Entry>();

  /**
   * Counts the try as failed until `succeeded` says otherwise: guesses that come all at once must not all be let through
   * before the first of them has failed.
   * @throws HoldfastError rate_limited while the delay of earlier failures runs.
   */
  begin(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.failures >= FREE_TRIES) {
      const delayMs = Math.min(DELAY_MAX_MS, DELAY_FIRST_MS * 2 ** (entry.failures - FREE_TRIES));
      if (nowMs - entry.lastMs < delayMs) {
        throw new HoldfastError(
          'rate_limited',
          'Too many attempts with a wrong password. Wait a few minutes and try again.',
        );
      }
    }
    const failures = entry === undefined || nowMs - entry.lastMs > FORGET_MS ? 1 : entry.failures + 1;
    this.#entries.delete(key);
    this.#entries.set(key, { failures, lastMs: nowMs });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= ENTRIES_MAX) break;
      this.#entries.delete(oldest);
    }
  }

  succeeded(key: string): void {
    this.#entries.delete(key);
  }
}
