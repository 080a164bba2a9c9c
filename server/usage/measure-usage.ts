import { laterMeasurement, type UsageDay } from '../../core/domain/usage.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/** A device that was enrolled and revoked in between is not seen; four looks a day cost a sum over the ledger each. */
const AGAIN_AFTER_MS = 6 * 3600_000;

export interface Measured extends UsageDay {
  readonly customerId: string;
}

/**
 * Looks at what every customer of a tenant uses now, and keeps the highest of the day. Does nothing within six hours of the
 * last look, unless a customer that had nothing has its first restore point since. @returns how many customers were measured.
 */
export async function measureUsage(services: Pick<Services, 'db' | 'clock'>, scope: Scope): Promise<number> {
  const { tenantId } = scope;
  const now = new Date(services.clock.nowMs());
  return await withScope(services, scope, async (tx) => {
    const last = await tx.usageDay.aggregate({
      where: { tenantId, measuredAt: { gt: new Date(now.getTime() - 2 * 24 * 3600_000) } },
      _max: { measuredAt: true },
    });
    const lastMs = last._max.measuredAt?.getTime();
    const isRecent = lastMs !== undefined && now.getTime() - lastMs < AGAIN_AFTER_MS;
    if (isRecent && !(await hasFirstBytes(tx, tenantId, new Date(lastMs)))) return 0;
    const measured = await lookAtUsage(tx, tenantId, now);
    if (measured.length === 0) return 0;
    const before = await tx.usageDay.findMany({ where: { tenantId, day: { in: measured.map(({ day }) => day) } } });
    const known = new Map(before.map((row) => [`${row.customerId}/${row.day}`, row]));
    const rows = measured.map((one) => ({
      customerId: one.customerId,
      ...laterMeasurement(known.get(`${one.customerId}/${one.day}`) ?? null, one),
    }));
    await tx.$executeRaw`
      INSERT INTO usage_day (tenant_id, customer_id, day, protected_bytes, stored_bytes, devices, drills, measured_at)
      SELECT ${tenantId}::uuid, u.customer_id, u.day, u.protected_bytes, u.stored_bytes, u.devices, u.drills, ${now}
      FROM unnest(${rows.map(({ customerId }) => customerId)}::uuid[], ${rows.map(({ day }) => day)}::text[],
        ${rows.map(({ protectedBytes }) => protectedBytes)}::bigint[], ${rows.map(({ storedBytes }) => storedBytes)}::bigint[],
        ${rows.map(({ devices }) => devices)}::int[], ${rows.map(({ drills }) => drills)}::int[])
        AS u (customer_id, day, protected_bytes, stored_bytes, devices, drills)
      ON CONFLICT (tenant_id, customer_id, day) DO UPDATE SET
        protected_bytes = excluded.protected_bytes, stored_bytes = excluded.stored_bytes,
        devices = excluded.devices, drills = excluded.drills, measured_at = excluded.measured_at`;
    await completeYesterday(tx, tenantId, now);
    return rows.length;
  });
}

/** Whoever protects a first device does not read for hours that nothing is protected. */
async function hasFirstBytes(tx: Tx, tenantId: string, last: Date): Promise<boolean> {
  const [found] = await tx.$queryRaw<{ found: boolean }[]>`
    SELECT EXISTS (SELECT 1 FROM customer c
      WHERE c.tenant_id = ${tenantId}::uuid
        AND NOT EXISTS (SELECT 1 FROM usage_day u WHERE u.tenant_id = c.tenant_id AND u.customer_id = c.id
          AND u.measured_at >= ${last} AND u.protected_bytes > 0)
        AND EXISTS (SELECT 1 FROM source s
          JOIN device d ON d.tenant_id = s.tenant_id AND d.id = s.device_id AND d.revoked_at IS NULL
          CROSS JOIN LATERAL (SELECT x.sealed_at FROM restore_point x
            WHERE x.tenant_id = s.tenant_id AND x.source_id = s.id AND x.is_usable AND x.state = 'sealed' AND x.bytes > 0
            ORDER BY x.capture_at DESC LIMIT 1) p
          WHERE s.tenant_id = c.tenant_id AND s.customer_id = c.id AND p.sealed_at > ${last})) AS found`;
  return found!.found;
}

/** What every customer of a tenant uses at this instant, each on the day of its own clock. */
export async function lookAtUsage(tx: Tx, tenantId: string, now: Date): Promise<Measured[]> {
  return await tx.$queryRaw<Measured[]>`
    WITH held AS (
      SELECT s.customer_id, sum(p.bytes) AS bytes FROM source s
      JOIN device d ON d.tenant_id = s.tenant_id AND d.id = s.device_id AND d.revoked_at IS NULL
      CROSS JOIN LATERAL (SELECT x.bytes FROM restore_point x
        WHERE x.tenant_id = s.tenant_id AND x.source_id = s.id AND x.is_usable AND x.state = 'sealed'
        ORDER BY x.capture_at DESC LIMIT 1) p
      WHERE s.tenant_id = ${tenantId}::uuid GROUP BY s.customer_id
    ), stored AS (
      SELECT customer_id, sum(size) AS bytes FROM stored_object
      WHERE tenant_id = ${tenantId}::uuid AND state IN ('committed', 'sealed', 'damaged', 'retired') GROUP BY customer_id
    ), machines AS (
      SELECT customer_id, count(*) AS devices FROM device
      WHERE tenant_id = ${tenantId}::uuid AND revoked_at IS NULL GROUP BY customer_id
    )
    SELECT c.id AS "customerId", to_char(${now} AT TIME ZONE c.timezone, 'YYYY-MM-DD') AS day,
      coalesce(held.bytes, 0)::bigint AS "protectedBytes", coalesce(stored.bytes, 0)::bigint AS "storedBytes",
      coalesce(machines.devices, 0)::int AS devices,
      (SELECT count(*)::int FROM drill x WHERE x.tenant_id = c.tenant_id AND x.customer_id = c.id
        AND x.state IN ('passed', 'failed') AND x.finished_at > ${now}::timestamptz - interval '2 days'
        AND (x.finished_at AT TIME ZONE c.timezone)::date = (${now} AT TIME ZONE c.timezone)::date) AS drills
    FROM customer c
    LEFT JOIN held ON held.customer_id = c.id
    LEFT JOIN stored ON stored.customer_id = c.id
    LEFT JOIN machines ON machines.customer_id = c.id
    WHERE c.tenant_id = ${tenantId}::uuid ORDER BY c.id`;
}

/** The drills of the evening came after the last look at their day. */
async function completeYesterday(tx: Tx, tenantId: string, now: Date): Promise<void> {
  await tx.$executeRaw`
    UPDATE usage_day u SET drills = found.drills FROM (
      SELECT c.id AS customer_id, to_char((${now} AT TIME ZONE c.timezone)::date - 1, 'YYYY-MM-DD') AS day,
        (SELECT count(*)::int FROM drill x WHERE x.tenant_id = c.tenant_id AND x.customer_id = c.id
          AND x.state IN ('passed', 'failed') AND x.finished_at > ${now}::timestamptz - interval '3 days'
          AND (x.finished_at AT TIME ZONE c.timezone)::date = (${now} AT TIME ZONE c.timezone)::date - 1) AS drills
      FROM customer c WHERE c.tenant_id = ${tenantId}::uuid) found
    WHERE u.tenant_id = ${tenantId}::uuid AND u.customer_id = found.customer_id AND u.day = found.day
      AND u.drills <> found.drills`;
}
