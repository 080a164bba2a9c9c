/**
 * A share as a percentage for people, always rounded down: 99.96 % of a month must not read as 100 %. `decimals` at most 4.
 */
export function percentText(share: number, decimals = 1): string {
  const scale = 10 ** decimals;
  // One part in 10^9 is added against binary fractions: 0.29 * 1000 is 289.99999999999994.
  const floored = Math.floor(share * 100 * scale + 1e-7) / scale;
  const capped = share < 1 ? Math.min(floored, (100 * scale - 1) / scale) : 100;
  return `${Math.max(0, capped).toFixed(capped === 100 || capped <= 0 ? 0 : decimals)} %`;
}
