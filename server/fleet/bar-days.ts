/**
 * What happened to devices on each of the last days by their customers' clocks, as one text a device: "2026-11-21 ok 1,…". Thousands of
 * rows, and arrays too, cost more on their way than in the database. A decided day changes by the device's own rows alone, so
 * the text stands in device_summary until a trigger marks the device; days that came since are in it by their own marks.
 */
import { sqlFragment, type SqlFragment } from '../db/sql-fragment.ts';
import { type DayCount, HISTORY_DAYS } from './history.ts';

/** Of a device `d`; null where nothing happened. */
export function barDaysOf(now: Date): SqlFragment {
  // One day more than is shown: the first day of the bar begins before now minus 28 days in most zones.
  const since = new Date(now.getTime() - (HISTORY_DAYS + 1) * 24 * 3600_000);
  const span = sqlFragment`BETWEEN ${since}::timestamptz AND ${now}::timestamptz`;
  return sqlFragment`(
    SELECT string_agg(g.day || ' ' || g.kind || ' ' || g.count, ',' ORDER BY g.day, g.kind) FROM (
      SELECT (f.at AT TIME ZONE zone.name)::date::text AS day, f.kind, count(*) AS count
      FROM (
        SELECT o.due_at AS at, o.outcome AS kind FROM source so
          JOIN expected_occurrence o ON o.tenant_id = so.tenant_id AND o.source_id = so.id AND o.outcome IS NOT NULL AND o.due_at ${span}
          WHERE so.tenant_id = d.tenant_id AND so.device_id = d.id
        UNION ALL
        SELECT x.finished_at, 'drill_passed' FROM drill x
          WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id AND x.state = 'passed' AND x.finished_at ${span}
        UNION ALL
        SELECT x.finished_at, 'drill_failed' FROM drill x
          WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id AND x.state = 'failed' AND x.finished_at ${span}
        UNION ALL
        SELECT rp.sealed_at, 'extra' FROM backup_run r
          JOIN restore_point rp ON rp.tenant_id = r.tenant_id AND rp.customer_id = r.customer_id AND rp.source_id = r.source_id
            AND rp.run_id = r.id AND rp.is_usable AND rp.sealed_at >= ${since}::timestamptz
          WHERE r.tenant_id = d.tenant_id AND r.customer_id = d.customer_id AND r.device_id = d.id AND r.occurrence_id IS NULL
      ) f
      CROSS JOIN (SELECT cu.timezone AS name FROM customer cu WHERE cu.tenant_id = d.tenant_id AND cu.id = d.customer_id) zone
      GROUP BY 1, 2) g)`;
}

/** Of that text, or of none. */
export function readBarDays(counts: string | null): DayCount[] {
  return counts === null ? [] : counts.split(',').map(readCount);
}

function readCount(text: string): DayCount {
  const [day, kind, count] = text.split(' ');
  return { day: day!, kind: kind as DayCount['kind'], count: Number(count) };
}
