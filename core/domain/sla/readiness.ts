/** Metric 17 of docs/metrics.md: one number of several, in which a zero cannot be averaged away. Never shown without its parts. */

export const READINESS_PARTS = ['rpo', 'drills', 'integrity', 'immutability', 'coverage'] as const;
export type ReadinessPart = (typeof READINESS_PARTS)[number];

/** How much each part counts. */
export const READINESS_WEIGHTS: Readonly<Record<ReadinessPart, number>> = {
  rpo: 0.3,
  drills: 0.3,
  integrity: 0.2,
  immutability: 0.1,
  coverage: 0.1,
};

/** 0 to 1; null: it was not measured. */
export type ReadinessShares = Readonly<Record<ReadinessPart, number | null>>;

export interface Readiness {
  /** 0 to 100; null: nothing was measured. */
  readonly score: number | null;
  readonly parts: ReadinessShares;
  /** Of the five. The score is about these alone, and says so. */
  readonly measured: number;
}

/** 100 times the weighted geometric mean of what was measured; cut, never rounded up. */
export function readiness(parts: ReadinessShares): Readiness {
  const known = READINESS_PARTS.flatMap((part) => {
    const value = parts[part];
    return value === null ? [] : [{ value, weight: READINESS_WEIGHTS[part] }];
  });
  const weights = known.reduce((sum, { weight }) => sum + weight, 0);
  if (known.length === 0) return { score: null, parts, measured: 0 };
  const product = known.reduce((all, { value, weight }) => all * value ** (weight / weights), 1);
  const isWhole = known.every(({ value }) => value >= 1);
  return { score: isWhole ? 100 : Math.min(99, Math.floor(100 * product + 1e-9)), parts, measured: known.length };
}
