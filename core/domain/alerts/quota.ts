/** How full a quota is and when it will be: a robust line through the daily sums (metrics, 19). Pure. */

export interface DayUse {
  /** Days since some fixed day. */
  readonly day: number;
  readonly usedBytes: number;
}

/** Days whose growth says how long the quota lasts. */
const LOOK_BACK_DAYS = 28;

/** The sum at the end of each of the last days on which something was stored; `days` are all there were, in order. */
export function usesAtDayEnds(days: readonly { readonly day: number; readonly bytes: number }[]): DayUse[] {
  let usedBytes = 0;
  const uses = days.map(({ day, bytes }) => ({ day, usedBytes: (usedBytes += bytes) }));
  const lastDay = uses.at(-1)?.day ?? 0;
  return uses.filter(({ day }) => day > lastDay - LOOK_BACK_DAYS);
}

/** Theil and Sen: the median of the slopes of all pairs; one wild day moves it little. 0 with fewer than two days. */
export function theilSenSlope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const slopes: number[] = [];
  for (let a = 0; a < points.length; a++)
    for (let b = a + 1; b < points.length; b++) {
      const dx = points[b]!.x - points[a]!.x;
      if (dx !== 0) slopes.push((points[b]!.y - points[a]!.y) / dx);
    }
  if (slopes.length === 0) return 0;
  slopes.sort((a, b) => a - b);
  const middle = slopes.length >> 1;
  return slopes.length % 2 === 1 ? slopes[middle]! : (slopes[middle - 1]! + slopes[middle]!) / 2;
}

export interface QuotaState {
  readonly usedShare: number;
  /** Whole days until it is full at this pace; null: it does not grow. 0: it is full. */
  readonly daysLeft: number | null;
}

/** Bytes that come to it in a usual day; 0 with fewer than two days. */
export function pacePerDay(days: readonly DayUse[]): number {
  return theilSenSlope(days.map(({ day, usedBytes }) => ({ x: day, y: usedBytes })));
}

/** `days`: the sums at the end of each day, the newest last. */
export function quotaState(quotaBytes: number, days: readonly DayUse[]): QuotaState {
  const used = days.at(-1)?.usedBytes ?? 0;
  const slope = pacePerDay(days);
  const left = quotaBytes - used;
  const usedShare = quotaBytes <= 0 ? 1 : used / quotaBytes;
  if (left <= 0) return { usedShare, daysLeft: 0 };
  return { usedShare, daysLeft: slope <= 0 ? null : Math.floor(left / slope) };
}

export function isQuotaTight(
  { usedShare, daysLeft }: QuotaState,
  limits: { readonly usedPercent: number; readonly daysLeft: number },
): boolean {
  return usedShare * 100 >= limits.usedPercent || (daysLeft !== null && daysLeft <= limits.daysLeft);
}
