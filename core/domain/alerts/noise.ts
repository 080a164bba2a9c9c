/** How much a rule calls for nothing (metrics, 20): what tells a provider which rule to change. Pure. */

/** Over by itself within this time, before anybody had to do anything. */
export const NOISE_MS = 3_600_000;

export interface AlertTimes {
  readonly openedMs: number;
  /** Null: still open. */
  readonly resolvedMs: number | null;
  readonly acknowledgedMs: number | null;
  /** It closed because its cause was gone, not because a person closed it. */
  readonly isSelfResolved: boolean;
  /** It closed because its rule or what it was about went away: nothing was mended. */
  readonly isMoot: boolean;
  /** Its cause had been over shortly before, and came back. */
  readonly isReopened: boolean;
}

export interface NoiseReport {
  readonly alerts: number;
  readonly open: number;
  readonly per100DevicesWeek: number | null;
  /** Share of those that are over which resolved themselves within an hour, untouched; null: none is over. */
  readonly noiseShare: number | null;
  readonly noisy: number;
  readonly over: number;
  /** Of those that are over, the ones that something was done about: neither noise nor moot. */
  readonly actionable: number;
  readonly actionableShare: number | null;
  /** Of all, those whose cause came back. */
  readonly reopened: number;
  readonly reopenShare: number | null;
  /** Alerts that somebody acknowledged. */
  readonly acknowledged: number;
  /** Mean time until somebody acknowledged, of those that somebody did; null: nobody ever. */
  readonly mttaMs: number | null;
  /** Mean time until it was over. */
  readonly mttrMs: number | null;
}

export function isNoise({
  openedMs,
  resolvedMs,
  acknowledgedMs,
  isSelfResolved,
}: Pick<AlertTimes, 'openedMs' | 'resolvedMs' | 'acknowledgedMs' | 'isSelfResolved'>): boolean {
  return resolvedMs !== null && isSelfResolved && acknowledgedMs === null && resolvedMs - openedMs < NOISE_MS;
}

export function noiseReport(alerts: readonly AlertTimes[], devices: number, windowMs: number): NoiseReport {
  const over = alerts.filter(({ resolvedMs }) => resolvedMs !== null);
  const noisy = over.filter(isNoise).length;
  const actionable = over.filter((alert) => !alert.isMoot && !isNoise(alert)).length;
  const reopened = alerts.filter(({ isReopened }) => isReopened).length;
  const seen = alerts.filter(({ acknowledgedMs }) => acknowledgedMs !== null);
  const weeks = windowMs / (7 * 86_400_000);
  return {
    alerts: alerts.length,
    open: alerts.length - over.length,
    per100DevicesWeek: devices === 0 || weeks === 0 ? null : (alerts.length / devices / weeks) * 100,
    noiseShare: over.length === 0 ? null : noisy / over.length,
    noisy,
    over: over.length,
    actionable,
    actionableShare: over.length === 0 ? null : actionable / over.length,
    reopened,
    reopenShare: alerts.length === 0 ? null : reopened / alerts.length,
    acknowledged: seen.length,
    mttaMs: mean(seen.map(({ openedMs, acknowledgedMs }) => acknowledgedMs! - openedMs)),
    mttrMs: mean(over.map(({ openedMs, resolvedMs }) => resolvedMs! - openedMs)),
  };
}

function mean(values: readonly number[]): number | null {
  // What came back within an episode was acknowledged before this row began: that took no time.
  return values.length === 0 ? null : values.reduce((sum, one) => sum + Math.max(0, one), 0) / values.length;
}
