/** The days of customers, and of the provider, from raw rows: each as a whole, in one statement for all of them. */
import { dayWindow, daysOfMonth } from '../../core/domain/calendar.ts';
import { type SourceFigures, sourceFigures } from '../../core/domain/sla/source-figures.ts';
import { addCounts, NO_OUTCOMES } from '../../core/domain/sla/schedule-rates.ts';
import type { Tx } from '../db/client.ts';
import { loadFacts, type NamedFacts } from './load-facts.ts';
import { loadVersions } from './load-versions.ts';

export interface DayWish {
  readonly tenantId: string;
  readonly customerIds: readonly string[];
}

/** Writes customer_day for every day of the span, which lies within a month; each day by its customer's clock. */
export async function rollUpDays(
  tx: Tx,
  wish: DayWish,
  span: { readonly from: string; readonly until: string },
  nowMs: number,
): Promise<void> {
  const days = daysOfMonth(span.from.slice(0, 7)).filter((day) => day >= span.from && day <= span.until);
  const customers = await tx.customer.findMany({
    where: { tenantId: wish.tenantId, id: { in: [...wish.customerIds] } },
    select: { id: true, timezone: true },
  });
  const versions = await loadVersions(tx, wish.tenantId, wish.customerIds);
  const rows: Readonly<Record<string, unknown>>[] = [];
  // Customers of one zone share their days, and so the reading of them.
  for (const [timeZone, ofZone] of Map.groupBy(customers, (one) => one.timezone)) {
    const windows = days.map((day) => ({ day, ...dayWindow(day, timeZone) }));
    const [first, last] = [windows[0], windows.at(-1)];
    if (first === undefined || last === undefined) continue;
    const facts = await loadFacts(
      tx,
      { tenantId: wish.tenantId, customerIds: ofZone.map(({ id }) => id), sourceIds: null, isLookingBack: false },
      { startMs: first.startMs, endMs: Math.min(last.endMs, nowMs) },
    );
    const byCustomer = Map.groupBy(facts, ({ customerId }) => customerId);
    for (const { id } of ofZone)
      for (const window of windows) {
        const figures = (byCustomer.get(id) ?? []).flatMap((one) => {
          const found = sourceFigures(onDay(one, window), versions.get(id) ?? [], window, nowMs);
          return found === undefined ? [] : [found];
        });
        rows.push(dayRow({ tenantId: wish.tenantId, customerId: id, day: window.day, computedMs: nowMs }, figures));
      }
  }
  if (rows.length > 0) await writeDays(tx, rows);
}

/** The facts that a day depends on, so that each of many days does not sort the points of them all. */
function onDay(facts: NamedFacts, window: { readonly startMs: number; readonly endMs: number }): NamedFacts {
  let carried: NamedFacts['points'][number] | undefined;
  const inside: NamedFacts['points'][number][] = [];
  for (const point of facts.points)
    if (point.commitMs >= window.endMs) continue;
    else if (point.commitMs >= window.startMs) inside.push(point);
    else if (carried === undefined || point.captureMs > carried.captureMs) carried = point;
  return { ...facts, points: carried === undefined ? inside : [carried, ...inside] };
}

function dayRow(
  place: { readonly tenantId: string; readonly customerId: string; readonly day: string; readonly computedMs: number },
  sources: readonly SourceFigures[],
): Readonly<Record<string, unknown>> {
  const sum = (value: (source: SourceFigures) => number): number => sources.reduce((all, one) => all + value(one), 0);
  const counts = sources.reduce((all, one) => addCounts(all, one.counts), NO_OUTCOMES);
  const peak = sources.reduce<SourceFigures | undefined>(
    (a, b) => (b.peak !== null && (a === undefined || b.peak.ageMs > a.peak!.ageMs) ? b : a),
    undefined,
  );
  const windowSeconds = Math.floor(sum(({ windowMs }) => windowMs) / 1000);
  return {
    tenant_id: place.tenantId,
    customer_id: place.customerId,
    day: place.day,
    sources: sources.length,
    sources_in_breach: sources.filter(({ violationMs }) => violationMs > 0).length,
    window_seconds: windowSeconds,
    violation_seconds: Math.min(windowSeconds, Math.ceil(sum(({ violationMs }) => violationMs) / 1000)),
    excused_seconds: Math.ceil(sum(({ excusedMs }) => excusedMs) / 1000),
    expected: sum(({ expected }) => expected),
    ...counts,
    accepted_partial: sum(({ acceptedPartial }) => acceptedPartial),
    restore_points: sum(({ restorePoints }) => restorePoints),
    drills_passed: sum(({ drills }) => drills.passed),
    drills_failed: sum(({ drills }) => drills.failed),
    drills_void: sum(({ drills }) => drills.void),
    peak_exposure_seconds: peak === undefined ? null : Math.ceil(peak.peak!.ageMs / 1000),
    peak_exposure_at: peak === undefined ? null : new Date(peak.peak!.atMs).toISOString(),
    peak_source_id: peak?.sourceId ?? null,
    computed_at: new Date(place.computedMs).toISOString(),
  };
}

async function writeDays(tx: Tx, rows: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO customer_day SELECT * FROM jsonb_populate_recordset(NULL::customer_day, ${JSON.stringify(rows)}::jsonb)
    ON CONFLICT (tenant_id, customer_id, day) DO UPDATE SET sources = excluded.sources,
      sources_in_breach = excluded.sources_in_breach, window_seconds = excluded.window_seconds,
      violation_seconds = excluded.violation_seconds, excused_seconds = excluded.excused_seconds, expected = excluded.expected,
      ok = excluded.ok, late = excluded.late, partial = excluded.partial, accepted_partial = excluded.accepted_partial,
      failed = excluded.failed, missed = excluded.missed, stuck = excluded.stuck, excused = excluded.excused,
      restore_points = excluded.restore_points, drills_passed = excluded.drills_passed, drills_failed = excluded.drills_failed,
      drills_void = excluded.drills_void, peak_exposure_seconds = excluded.peak_exposure_seconds,
      peak_exposure_at = excluded.peak_exposure_at, peak_source_id = excluded.peak_source_id, computed_at = excluded.computed_at`;
}

/** The provider's days that are older than one of their customers': the sums of customer_day, each as a whole. */
export async function rollUpTenantDays(tx: Tx, tenantId: string, fromDay: string, nowMs: number): Promise<number> {
  return await tx.$executeRaw`
    INSERT INTO tenant_day (tenant_id, day, customers, sources, sources_in_breach, window_seconds, violation_seconds, expected, ok,
      late, partial, accepted_partial, failed, missed, stuck, excused, drills_passed, drills_failed, computed_at)
    SELECT c.tenant_id, c.day, count(*) FILTER (WHERE c.sources > 0), sum(c.sources), sum(c.sources_in_breach),
      sum(c.window_seconds), sum(c.violation_seconds), sum(c.expected), sum(c.ok), sum(c.late), sum(c.partial),
      sum(c.accepted_partial), sum(c.failed), sum(c.missed), sum(c.stuck), sum(c.excused), sum(c.drills_passed),
      sum(c.drills_failed), ${new Date(nowMs)}
    FROM customer_day c LEFT JOIN tenant_day t ON t.tenant_id = c.tenant_id AND t.day = c.day
    WHERE c.tenant_id = ${tenantId}::uuid AND c.day >= ${fromDay}
    GROUP BY c.tenant_id, c.day, t.computed_at HAVING t.computed_at IS NULL OR max(c.computed_at) >= t.computed_at
    ON CONFLICT (tenant_id, day) DO UPDATE SET customers = excluded.customers, sources = excluded.sources,
      sources_in_breach = excluded.sources_in_breach, window_seconds = excluded.window_seconds,
      violation_seconds = excluded.violation_seconds, expected = excluded.expected, ok = excluded.ok, late = excluded.late,
      partial = excluded.partial, accepted_partial = excluded.accepted_partial, failed = excluded.failed,
      missed = excluded.missed, stuck = excluded.stuck, excused = excluded.excused, drills_passed = excluded.drills_passed,
      drills_failed = excluded.drills_failed, computed_at = excluded.computed_at`;
}
