/** Restores that people of a scenario would have asked for, in the course of its history. */
import type { Tx } from '../db/client.ts';
import { sqlFragment } from '../db/sql-fragment.ts';

/** Of so many restore points one is asked for. */
const ONE_OF = 20;

/**
 * From the restore points that are kept, by chance that follows from their ids: one of the customer's own people asks where it has
 * some, else one of the provider's. A few fail, fewer are not heard of again, and one is asked for at the machine now and then.
 */
export async function writeRestores(tx: Tx, tenantId: string, atMs: number): Promise<void> {
  const drawn = (salt: number) => sqlFragment`abs(hashtextextended(p.id::text, ${salt}::bigint))`;
  await tx.$executeRaw`
    INSERT INTO restore_request (tenant_id, id, customer_id, device_id, restore_point_id, way, asker, asked_by, state, is_end_told,
      requested_at, started_at, first_byte_at, ended_at, deadline_at, bytes, reason)
    SELECT tenant_id, id, customer_id, device_id, point_id, way, asker, CASE WHEN asker <> 'machine' THEN asked_by END, state, true,
      requested_at, requested_at + make_interval(secs => queue_s), CASE WHEN state IN ('delivered', 'failed') THEN requested_at + make_interval(secs => queue_s + 0.8) END,
      ended_at, requested_at + CASE way WHEN 'download' THEN interval '1 hour' ELSE interval '9 hours' END,
      CASE state WHEN 'delivered' THEN size END, CASE state
        WHEN 'failed' THEN 'Two files could not be read again: the connection broke. Ask for them again.'
        WHEN 'abandoned' THEN 'Nothing more was heard of it. The backup is not affected; check that the machine runs and reaches the service, and ask again.' END
    FROM (
      SELECT *, requested_at + make_interval(secs => CASE state
        WHEN 'abandoned' THEN CASE way WHEN 'download' THEN 3900 ELSE 33000 END
        ELSE queue_s + 2 + size / CASE way WHEN 'download' THEN 12000000.0 ELSE 45000000.0 END END) AS ended_at
      FROM (
        SELECT p.tenant_id, overlay(overlay(md5(p.id::text || 'restore') placing '8' from 13) placing '8' from 17)::uuid AS id, p.customer_id,
          p.device_id, p.id AS point_id, u.asked_by,
          -- What goes to the machine is ordered by the provider, or begun there.
          CASE WHEN ${drawn(2)} % 10 < 7 OR (u.is_own AND ${drawn(2)} % 10 < 9) THEN 'download' ELSE 'machine' END AS way,
          CASE WHEN ${drawn(2)} % 10 = 9 THEN 'machine' WHEN u.is_own THEN 'customer' ELSE 'provider' END AS asker,
          CASE WHEN ${drawn(3)} % 40 = 0 THEN 'abandoned' WHEN ${drawn(3)} % 40 < 3 THEN 'failed' ELSE 'delivered' END AS state,
          p.sealed_at + make_interval(mins => (${drawn(4)} % 900)::int) AS requested_at, 0.4 + (${drawn(5)} % 70) / 10.0 AS queue_s,
          CASE WHEN ${drawn(2)} % 10 < 7 OR (u.is_own AND ${drawn(2)} % 10 < 9) THEN 40000 + ${drawn(6)} % 900000000 ELSE p.bytes / (1 + ${drawn(6)} % 9) END AS size
        FROM restore_point p
        CROSS JOIN LATERAL (SELECT a.id AS asked_by, a.customer_id IS NOT NULL AS is_own FROM app_user a WHERE a.tenant_id = p.tenant_id
          AND (a.customer_id = p.customer_id OR a.customer_id IS NULL)
          -- Now and then somebody calls the provider, although they might do it themselves.
          ORDER BY (a.customer_id IS NULL) <> (${drawn(7)} % 4 = 0), a.email LIMIT 1) u
        WHERE p.tenant_id = ${tenantId}::uuid AND p.state = 'sealed' AND ${drawn(1)} % ${ONE_OF} = 0) drawn) timed
    WHERE ended_at < ${new Date(atMs)}::timestamptz`;
}
