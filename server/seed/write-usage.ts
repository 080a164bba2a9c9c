/** What customers of a scenario would have been measured to use, each day since their first backup. */
import type { Tx } from '../db/client.ts';

/**
 * From the rows of the history: what the newest restore points held on a day, and its drills. Stored bytes follow what was held, from
 * today's measurement back, for of the store a scenario has today's objects alone.
 */
export async function writeUsage(tx: Tx, tenantId: string): Promise<void> {
  await tx.$executeRaw`
    WITH local_point AS (
      SELECT p.customer_id, p.source_id, (p.committed_at AT TIME ZONE c.timezone)::date AS day, max(p.bytes) AS bytes
      FROM restore_point p JOIN customer c ON c.tenant_id = p.tenant_id AND c.id = p.customer_id
      WHERE p.tenant_id = ${tenantId}::uuid GROUP BY 1, 2, 3
    ), grown AS (
      -- A day without a backup holds what the day before held: growth is added up, not bytes.
      SELECT customer_id, day, bytes - lag(bytes, 1, 0) OVER (PARTITION BY source_id ORDER BY day) AS bytes FROM local_point
    ), held AS (
      SELECT customer_id, day, sum(sum(bytes)) OVER (PARTITION BY customer_id ORDER BY day) AS bytes FROM grown GROUP BY 1, 2
    ), tested AS (
      SELECT x.customer_id, (x.finished_at AT TIME ZONE c.timezone)::date AS day, count(*)::int AS drills
      FROM drill x JOIN customer c ON c.tenant_id = x.tenant_id AND c.id = x.customer_id
      WHERE x.tenant_id = ${tenantId}::uuid AND x.state IN ('passed', 'failed') GROUP BY 1, 2
    ), present AS (
      SELECT DISTINCT ON (customer_id) customer_id, day::date AS day, protected_bytes, stored_bytes, devices, measured_at
      FROM usage_day WHERE tenant_id = ${tenantId}::uuid ORDER BY customer_id, day DESC
    )
    INSERT INTO usage_day (tenant_id, customer_id, day, protected_bytes, stored_bytes, devices, drills, measured_at)
    SELECT ${tenantId}::uuid, p.customer_id, to_char(d.day, 'YYYY-MM-DD'), h.bytes::bigint,
      round(p.stored_bytes * least(1, h.bytes / greatest(1, p.protected_bytes)))::bigint, p.devices, coalesce(t.drills, 0),
      p.measured_at - make_interval(days => p.day - d.day::date)
    FROM present p
    CROSS JOIN LATERAL generate_series((SELECT min(day) FROM held WHERE customer_id = p.customer_id), p.day - 1, interval '1 day') AS d(day)
    CROSS JOIN LATERAL (SELECT bytes FROM held WHERE customer_id = p.customer_id AND day <= d.day ORDER BY day DESC LIMIT 1) h
    LEFT JOIN tested t ON t.customer_id = p.customer_id AND t.day = d.day
    ON CONFLICT (tenant_id, customer_id, day) DO NOTHING`;
}
