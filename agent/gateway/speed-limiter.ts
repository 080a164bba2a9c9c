/**
 * Paces transfers by the policy's limits: a bucket of tokens for each direction, shared by all transfers of the process. The
 * rate is looked up again while a transfer waits, so that a limit that begins or ends at an hour changes one under way.
 */
import { type Clock, systemClock } from '../../core/base/clock.ts';
import type { SpeedLimits } from '../../core/domain/policy.ts';
import { limitAt, type SpeedLimit } from '../../core/domain/speed-limit.ts';
import { sleep, type Waiting } from './backoff.ts';

export type Direction = 'up' | 'down';

/** Takes the right to move so many bytes; resolves when it is had. @throws HoldfastError cancelled. */
export interface Pace {
  /** False: nothing has to be taken now. */
  isLimited(): boolean;
  /** How many bytes to ask for at once: a quarter of a second's worth, so that several transfers share the line evenly. */
  sliceBytes(): number;
  take(bytes: number, signal?: AbortSignal): Promise<void>;
}

/** No wait is longer, so that a limit that is lifted, or a new policy, is felt at once. */
const LOOK_AGAIN_MS = 250;
/** A bucket holds so much of a second: a pause is not made up by a burst that fills the line. */
const BURST_MS = 250;
const SLICE_MIN = 1024;
const SLICE_MAX = 64 * 1024;

export class SpeedLimiter {
  readonly #clock: Clock;
  readonly #sleep: Waiting['sleep'];
  #limits: SpeedLimits | undefined;
  #inForce: SpeedLimit | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  readonly up: Pace;
  readonly down: Pace;

  constructor(options: { readonly clock?: Clock; readonly sleep?: Waiting['sleep'] } = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#sleep = options.sleep ?? sleep;
    this.up = this.#bucket(() => this.limit.upBytesPerSecond);
    this.down = this.#bucket(() => this.limit.downBytesPerSecond);
  }

  /** From now on by these rules; undefined: not limited. */
  obey(limits: SpeedLimits | undefined): void {
    this.#limits = limits;
    this.#inForce = undefined;
  }

  /** The limit in force now. Worked out again only when it changes, or when the clock was set back. */
  get limit(): SpeedLimit {
    const nowMs = this.#clock.nowMs();
    const changesAtMs = this.#inForce?.changesAtMs ?? Number.POSITIVE_INFINITY;
    // A limit that changes within the next eight days says when; one that does not is looked up again each day.
    const isStale = nowMs >= changesAtMs || nowMs < this.#lookedMs || nowMs - this.#lookedMs > 86_400_000;
    if (this.#inForce === undefined || isStale) {
      this.#inForce = limitAt(this.#limits, nowMs);
      this.#lookedMs = nowMs;
    }
    return this.#inForce;
  }

  #bucket(rateNow: () => number | null): Pace {
    let tokens = 0;
    let filledMs = this.#clock.nowMs();
    const fill = (rate: number): void => {
      const nowMs = this.#clock.nowMs();
      // A clock that was set back gives nothing and takes nothing.
      const passedMs = Math.max(0, nowMs - filledMs);
      filledMs = nowMs;
      tokens = Math.min((rate * BURST_MS) / 1000, tokens + (rate * passedMs) / 1000);
    };
    return {
      isLimited: () => rateNow() !== null,
      sliceBytes: () => {
        const rate = rateNow();
        return rate === null ? SLICE_MAX : Math.min(SLICE_MAX, Math.max(SLICE_MIN, Math.floor(rate / 4)));
      },
      take: async (bytes, signal) => {
        for (;;) {
          const rate = rateNow();
          if (rate === null) {
            tokens = 0;
            filledMs = this.#clock.nowMs();
            return;
          }
          fill(rate);
          // A debt is allowed for one taker at a time: a slice larger than the bucket would otherwise never pass.
          if (tokens > 0 || bytes === 0) {
            tokens -= bytes;
            return;
          }
          await this.#sleep(Math.min(LOOK_AGAIN_MS, Math.max(1, Math.ceil((-tokens / rate) * 1000))), signal);
        }
      },
    };
  }
}
