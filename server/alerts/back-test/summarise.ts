import type { PastAlert, Stretch } from '../../../core/domain/alerts/back-test.ts';
import { medianOf } from '../../../core/domain/alerts/growth.ts';
import { isNoise } from '../../../core/domain/alerts/noise.ts';
import type { BackTestView } from '../view.ts';

const DAY_MS = 86_400_000;
const WORST_SHOWN = 10;

/** What an alert is about, as people call it. */
export interface NamedSubject {
  readonly name: string;
  readonly customerId: string;
  /** Null: it is the customer itself. */
  readonly customerName: string | null;
}

/** `total`: of so many things as the rule looks at; `looked` of them were looked at. */
export function summarise(
  alerts: readonly PastAlert[],
  names: ReadonlyMap<string, NamedSubject>,
  of: Stretch & { readonly days: number; readonly looked: number; readonly total: number } & Pick<
      BackTestView,
      'about'
    >,
): BackTestView {
  const lengthOf = ({ openedMs, resolvedMs }: PastAlert): number => (resolvedMs ?? of.endMs) - openedMs;
  const lengths = alerts.map(lengthOf);
  const bySubject = Map.groupBy(alerts, ({ subjectId }) => subjectId);
  const perDay = Array.from({ length: Math.max(1, Math.ceil((of.endMs - of.startMs) / DAY_MS)) }, () => 0);
  for (const { openedMs } of alerts) {
    const day = Math.min(perDay.length - 1, Math.max(0, Math.floor((openedMs - of.startMs) / DAY_MS)));
    perDay[day] = (perDay[day] ?? 0) + 1;
  }
  return {
    days: of.days,
    knownMs: of.endMs - of.startMs,
    about: of.about,
    looked: of.looked,
    total: of.total,
    alerts: alerts.length,
    hit: bySubject.size,
    customersHit: new Set([...bySubject.keys()].map((id) => names.get(id)!.customerId)).size,
    noisy: alerts.filter((one) => isNoise({ ...one, acknowledgedMs: null, isSelfResolved: true })).length,
    stillOpen: alerts.filter(({ resolvedMs }) => resolvedMs === null).length,
    medianMs: lengths.length === 0 ? null : medianOf(lengths),
    longestMs: lengths.length === 0 ? null : lengths.reduce((a, b) => Math.max(a, b)),
    worst: [...bySubject]
      .map(([id, own]) => ({
        id,
        name: names.get(id)!.name,
        customerName: names.get(id)!.customerName,
        alerts: own.length,
        totalMs: own.reduce((sum, one) => sum + lengthOf(one), 0),
      }))
      .sort((a, b) => b.alerts - a.alerts || b.totalMs - a.totalMs)
      .slice(0, WORST_SHOWN),
    perDay,
  };
}
