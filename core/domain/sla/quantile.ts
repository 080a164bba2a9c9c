/**
 * The nearest-rank quantile: the least of the values that at least `share` (above 0, at most 1) of them do not exceed. It is always
 * one that was measured, never one between two. Null of no values. Any unit; `values` in any order.
 */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  // One part in 10^9 against binary fractions: 0.95 of 20 is 19, not 19.000000000000004.
  return sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)] ?? null;
}
