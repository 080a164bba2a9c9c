/** Metric 18 of docs/metrics.md: how much of what may go wrong has gone wrong, and whether it goes wrong fast. */
import { type Interval, lengthMs, overlap } from './intervals.ts';

const HOUR_MS = 3_600_000;
/** This share of a month's budget within this time wakes somebody. */
const PAGES = [
  { withinMs: HOUR_MS, share: 0.02 },
  { withinMs: 6 * HOUR_MS, share: 0.05 },
] as const;

/** Further back nobody has to look. */
export const BURN_LOOK_MS = Math.max(...PAGES.map(({ withinMs }) => withinMs));

export interface ErrorBudget {
  /** Time that may be spent outside the target. */
  readonly budgetMs: number;
  readonly spentMs: number;
  /** 1: all of it; null: there is no budget, so that any violation is too much. */
  readonly burn: number | null;
}

/** `windowMs` is what the promise is about as a whole: a whole month, whether it is over or not. */
export function errorBudget(target: number, windowMs: number, violationMs: number): ErrorBudget {
  const budgetMs = Math.round((1 - target) * windowMs);
  return { budgetMs, spentMs: violationMs, burn: budgetMs === 0 ? null : violationMs / budgetMs };
}

/** Is the budget spent so fast that somebody has to look at once? `breaches` are apart; several sources share `budgetMs`. */
export function burnsFast(breaches: readonly Interval[], budgetMs: number, nowMs: number): boolean {
  return PAGES.some(({ withinMs, share }) => {
    const recent = { startMs: nowMs - withinMs, endMs: nowMs };
    const spentMs = lengthMs(breaches.flatMap((breach) => overlap(breach, recent) ?? []));
    return spentMs > 0 && spentMs >= share * budgetMs;
  });
}
