/** What the figures of a service level are compared with: slow, and without any of their formulas. */
import type pg from 'pg';
import type { Interval } from '../../core/domain/sla/intervals.ts';

/**
 * Step by step over the raw rows of a source, by day: how many minutes, and in how many of them the data was too old. For rows in
 * which everything happens at a multiple of a quarter of an hour, so that a step of one misses nothing.
 */
export async function walkRows(
  admin: pg.Client,
  sourceId: string,
  rpoMinutes: number,
  span: Interval,
  timeZone: string,
): Promise<ReadonlyMap<string, Walked>> {
  const { rows } = await admin.query<{ day: string; steps: string; bad: string }>(
    `SELECT to_char(at AT TIME ZONE $5, 'YYYY-MM-DD') AS day, count(*) AS steps,
       count(*) FILTER (WHERE age IS NULL OR age >= make_interval(mins => $4)) AS bad
     FROM generate_series($2::timestamptz, $3::timestamptz - interval '15 minutes', interval '15 minutes') AS at
     CROSS JOIN LATERAL (SELECT at - max(p.capture_at) AS age FROM restore_point p
       WHERE p.source_id = $1 AND p.state = 'sealed' AND p.is_usable AND p.sealed_at <= at) a
     WHERE NOT EXISTS (SELECT FROM sla_excuse e WHERE e.state = 'approved' AND e.starts_at <= at AND e.ends_at > at
       AND e.tenant_id = (SELECT tenant_id FROM source WHERE id = $1)
       AND (e.device_id IS NULL OR e.device_id = (SELECT device_id FROM source WHERE id = $1)))
     GROUP BY 1`,
    [sourceId, new Date(span.startMs), new Date(span.endMs), rpoMinutes, timeZone],
  );
  return new Map(rows.map(({ day, steps, bad }) => [day, { minutes: Number(steps) * 15, bad: Number(bad) * 15 }]));
}

export interface Walked {
  readonly minutes: number;
  readonly bad: number;
}

export function sumWalked(byDay: ReadonlyMap<string, Walked>): Walked {
  const days = [...byDay.values()];
  return {
    minutes: days.reduce((sum, { minutes }) => sum + minutes, 0),
    bad: days.reduce((sum, { bad }) => sum + bad, 0),
  };
}
