/** What a quota rule would have done at a customer or a vault. Pure; back-test.ts does the same for devices. */
import { type PastAlert, type Stretch, stretchesOf } from './back-test.ts';
import { isQuotaTight, quotaState, usesAtDayEnds } from './quota.ts';
import { matchesFilter, type Rule, type RuleSubject } from './rules.ts';

/** What is looked at with a quota. That of then is not kept: the present one is taken. */
export interface QuotaPast extends RuleSubject {
  readonly subjectId: string;
  readonly quotaBytes: number;
  /** What was stored in each hour in which anything was, from the first on, in order; `atMs` is the end of the hour. */
  readonly hours: readonly { readonly atMs: number; readonly bytes: number }[];
}

/** The alerts of one rule, to the hour: within one it does not matter which of many backups filled the rest. */
export function backTestQuota(rule: Rule<'quota'>, past: QuotaPast, stretch: Stretch): PastAlert[] {
  if (!matchesFilter(rule.filter, past)) return [];
  const instants = past.hours.map(({ atMs }) => atMs).filter((atMs) => atMs > stretch.startMs && atMs < stretch.endMs);
  return stretchesOf(past.subjectId, [stretch.startMs, ...instants], (atMs) => {
    const state = quotaState(past.quotaBytes, usesAtDayEnds(daysUntil(past, atMs)));
    if (!isQuotaTight(state, rule.parameters)) return undefined;
    return state.usedShare >= 1 ? 'quota_full' : 'quota';
  });
}

function daysUntil({ hours }: QuotaPast, atMs: number): { day: number; bytes: number }[] {
  const byDay = new Map<number, number>();
  for (const hour of hours) {
    if (hour.atMs > atMs) break;
    // An hour's end may be the next midnight; its bytes are of the day before.
    const day = Math.floor((hour.atMs - 1) / 86_400_000);
    byDay.set(day, (byDay.get(day) ?? 0) + hour.bytes);
  }
  return [...byDay].map(([day, bytes]) => ({ day, bytes }));
}
