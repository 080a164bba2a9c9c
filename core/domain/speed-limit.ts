/** How fast data may travel at an instant, by the policy's rules. Pure. */
import { isWithin, minuteOfDay } from './clock-window.ts';
import type { SpeedLimits } from './policy.ts';
import { clockChangeBetween, instantsOf, wallClockMs } from './wall-clock.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export interface SpeedLimit {
  /** Bytes per second to the storage; null: not limited. */
  readonly upBytesPerSecond: number | null;
  /** Bytes per second from the storage; null: not limited. */
  readonly downBytesPerSecond: number | null;
  /** The first later instant at which one of them is another; null when none is within eight days (never, then). */
  readonly changesAtMs: number | null;
}

type Rule = SpeedLimits['rules'][number];
type Rates = Omit<SpeedLimit, 'changesAtMs'>;

/** The tightest rule wins, in each direction by itself. Limits without a zone of their own are read in UTC. */
export function limitAt(limits: SpeedLimits | undefined, atMs: number): SpeedLimit {
  if (limits === undefined || limits.rules.length === 0)
    return { upBytesPerSecond: null, downBytesPerSecond: null, changesAtMs: null };
  const zone = limits.timeZone ?? 'UTC';
  const now = ratesAt(limits.rules, wallClockMs(atMs, zone));
  const changesAtMs = changesAfter(limits.rules, zone, atMs).find((changeMs) => {
    const then = ratesAt(limits.rules, wallClockMs(changeMs, zone));
    return then.upBytesPerSecond !== now.upBytesPerSecond || then.downBytesPerSecond !== now.downBytesPerSecond;
  });
  return { ...now, changesAtMs: changesAtMs ?? null };
}

function ratesAt(rules: readonly Rule[], wallMs: number): Rates {
  const holding = rules.filter((rule) => isWithin(rule, wallMs));
  return {
    upBytesPerSecond: tightest(holding.map((rule) => rule.upBytesPerSecond)),
    downBytesPerSecond: tightest(holding.map((rule) => rule.downBytesPerSecond)),
  };
}

function tightest(rates: readonly (number | null)[]): number | null {
  const set = rates.filter((rate) => rate !== null);
  return set.length === 0 ? null : Math.min(...set);
}

/** Every instant after `atMs`, for eight days, at which a rule may begin or end: its times on the wall, and changes of the clock. */
function changesAfter(rules: readonly Rule[], zone: string, atMs: number): number[] {
  const today = Math.floor(wallClockMs(atMs, zone) / DAY_MS);
  // Midnight too: a rule of one weekday may end there without a time of its own saying so.
  const minutes = new Set([0, ...rules.flatMap((rule) => [minuteOfDay(rule.from), minuteOfDay(rule.until)])]);
  const found = new Set<number>();
  for (let day = today; day <= today + 8; day++) {
    for (const minute of minutes) for (const at of instantsOf(day * DAY_MS + minute * MINUTE_MS, zone)) found.add(at);
    const change = clockChangeBetween(atMs + (day - today) * DAY_MS, atMs + (day - today + 1) * DAY_MS, zone);
    if (change !== null) found.add(change);
  }
  return [...found].filter((at) => at > atMs).sort((a, b) => a - b);
}
