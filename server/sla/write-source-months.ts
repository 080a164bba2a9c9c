import type { SummedSource } from '../../core/domain/sla/customer-figures.ts';
import type { Tx } from '../db/client.ts';
import { packSource } from './packed-figures.ts';

/** The rows of a customer's sources, all in one statement: a hundred of them are the rule. */
export async function writeSourceMonths(
  tx: Tx,
  place: {
    readonly tenantId: string;
    readonly customerId: string;
    readonly month: string;
    readonly computedMs: number;
  },
  sources: readonly SummedSource[],
): Promise<void> {
  if (sources.length === 0) return;
  const rows = sources.map((source) => rowOf(place, source));
  await tx.$executeRaw`
    INSERT INTO source_month (tenant_id, source_id, month, customer_id, device_id, window_start, window_end, window_seconds,
      violation_seconds, rpo_seconds, peak_exposure_seconds, peak_exposure_at, restore_points, expected, ok, late, partial,
      accepted_partial, failed, missed, stuck, excused, drills_passed, drills_failed, drills_void, figures, computed_at)
    SELECT tenant_id, source_id, month, customer_id, device_id, window_start, window_end, window_seconds,
      violation_seconds, rpo_seconds, peak_exposure_seconds, peak_exposure_at, restore_points, expected, ok, late, partial,
      accepted_partial, failed, missed, stuck, excused, drills_passed, drills_failed, drills_void, figures, computed_at
    FROM jsonb_populate_recordset(NULL::source_month, ${JSON.stringify(rows)}::jsonb)
    ON CONFLICT (tenant_id, source_id, month) DO UPDATE SET window_start = excluded.window_start,
      window_end = excluded.window_end, window_seconds = excluded.window_seconds, violation_seconds = excluded.violation_seconds,
      rpo_seconds = excluded.rpo_seconds, peak_exposure_seconds = excluded.peak_exposure_seconds,
      peak_exposure_at = excluded.peak_exposure_at, restore_points = excluded.restore_points, expected = excluded.expected,
      ok = excluded.ok, late = excluded.late, partial = excluded.partial, accepted_partial = excluded.accepted_partial,
      failed = excluded.failed, missed = excluded.missed, stuck = excluded.stuck, excused = excluded.excused,
      drills_passed = excluded.drills_passed, drills_failed = excluded.drills_failed, drills_void = excluded.drills_void,
      figures = excluded.figures, computed_at = excluded.computed_at`;
}

function rowOf(
  place: {
    readonly tenantId: string;
    readonly customerId: string;
    readonly month: string;
    readonly computedMs: number;
  },
  source: SummedSource,
): Readonly<Record<string, unknown>> {
  const { counts, drills, peak } = source;
  // Rounded so that neither the violation is shortened nor the window passed.
  const windowSeconds = Math.floor(source.windowMs / 1000);
  const iso = (atMs: number): string => new Date(atMs).toISOString();
  return {
    tenant_id: place.tenantId,
    source_id: source.sourceId,
    month: place.month,
    customer_id: place.customerId,
    device_id: source.deviceId,
    window_start: iso(source.window.startMs),
    window_end: iso(source.window.endMs),
    window_seconds: windowSeconds,
    violation_seconds: Math.min(windowSeconds, Math.ceil(source.violationMs / 1000)),
    rpo_seconds: source.tier.rpoMinutes * 60,
    peak_exposure_seconds: peak === null ? null : Math.ceil(peak.ageMs / 1000),
    peak_exposure_at: peak === null ? null : iso(peak.atMs),
    restore_points: source.restorePoints,
    expected: source.expected,
    ok: counts.ok,
    late: counts.late,
    partial: counts.partial,
    accepted_partial: source.acceptedPartial,
    failed: counts.failed,
    missed: counts.missed,
    stuck: counts.stuck,
    excused: counts.excused,
    drills_passed: drills.passed,
    drills_failed: drills.failed,
    drills_void: drills.void,
    figures: packSource(source),
    computed_at: iso(place.computedMs),
  };
}
