import { runAsDispatcher } from '../db/with-dispatcher.ts';
import type { Services } from '../services.ts';
import type { QueueName } from './catalog.ts';

export interface PickedIntent {
  readonly tenantId: string;
  readonly id: string;
  readonly dispatches: number;
  /** Which one of its tenant this is, counted with those in hand: what the queue orders by. */
  readonly place: number;
}

const BATCH = 64;

const PICK = {
  name: 'job_pick',
  text: `
    WITH RECURSIVE busy AS (
      SELECT tenant_id, coalesce(customer_id, '00000000-0000-0000-0000-000000000000'::uuid) AS customer, count(*)::int AS n
      FROM job_intent WHERE queue = $1 AND state IN ('dispatched', 'running') GROUP BY 1, 2
    ), busy_tenant AS (
      SELECT tenant_id, sum(n)::int AS n FROM busy GROUP BY 1
    ), customers AS (
      (SELECT tenant_id, coalesce(customer_id, '00000000-0000-0000-0000-000000000000'::uuid) AS customer FROM job_intent
        WHERE queue = $1 AND state = 'waiting' ORDER BY 1, 2 LIMIT 1)
      UNION ALL
      SELECT following.* FROM customers c CROSS JOIN LATERAL (
        SELECT tenant_id, coalesce(customer_id, '00000000-0000-0000-0000-000000000000'::uuid) AS customer FROM job_intent
        WHERE queue = $1 AND state = 'waiting'
          AND (tenant_id, coalesce(customer_id, '00000000-0000-0000-0000-000000000000'::uuid)) > (c.tenant_id, c.customer)
        ORDER BY 1, 2 LIMIT 1) following
    ), heads AS (
      SELECT c.tenant_id, c.customer, h.id, h.priority, h.run_after, coalesce(b.n, 0)
        + row_number() OVER (PARTITION BY c.tenant_id, c.customer ORDER BY h.priority, h.run_after, h.id) AS customer_place
      FROM customers c LEFT JOIN busy b USING (tenant_id, customer) CROSS JOIN LATERAL (
        -- Ordered as the index is, and cut before anything else is asked, so that ten thousand that wait are not looked at.
        -- Of those cut off, none is missed: a running one keeps at most one other of its key back.
        SELECT i.id, i.kind, i.dedupe_key, i.priority, i.run_after FROM job_intent i
        WHERE i.queue = $1 AND i.state = 'waiting' AND i.tenant_id = c.tenant_id
          AND coalesce(i.customer_id, '00000000-0000-0000-0000-000000000000'::uuid) = c.customer AND i.run_after <= now()
        ORDER BY i.queue, i.tenant_id, coalesce(i.customer_id, '00000000-0000-0000-0000-000000000000'::uuid), i.priority, i.run_after
        LIMIT $2::int + (SELECT coalesce(sum(n), 0) FROM busy)) h
      -- One of a key at a time: what began with older facts must not be the last to write.
      WHERE NOT EXISTS (SELECT 1 FROM job_intent o WHERE o.tenant_id = c.tenant_id AND o.queue = $1
        AND o.kind = h.kind AND o.dedupe_key = h.dedupe_key AND o.state = 'running')
    ), ranked AS (
      SELECT h.*, coalesce(t.n, 0)
        + row_number() OVER (PARTITION BY h.tenant_id ORDER BY h.customer_place, h.priority, h.run_after, h.id) AS place
      FROM heads h LEFT JOIN busy_tenant t USING (tenant_id)
    ), ordered AS (
      SELECT tenant_id, id, place, row_number() OVER (ORDER BY place, priority, run_after, id) AS turn FROM ranked
    ), chosen AS (
      SELECT tenant_id, id, place FROM ordered
      WHERE place = 1 OR turn <= $2::int - (SELECT coalesce(sum(n), 0) FROM busy) ORDER BY turn LIMIT $3
    )
    UPDATE job_intent i SET state = 'dispatched', dispatched_at = now(), dispatches = i.dispatches + 1
    FROM (SELECT chosen.tenant_id, chosen.id, chosen.place FROM chosen CROSS JOIN LATERAL (
            SELECT 1 FROM job_intent j WHERE j.tenant_id = chosen.tenant_id AND j.id = chosen.id AND j.state = 'waiting'
            FOR UPDATE SKIP LOCKED) still) c
    WHERE i.tenant_id = c.tenant_id AND i.id = c.id
    RETURNING i.tenant_id AS "tenantId", i.id, i.dispatches, c.place::int AS place`,
};

/**
 * Marks the intents that go to the queue next. Fair twice: between tenants, and between the customers of each. Everybody's
 * first comes before anybody's second, counted with what is in hand already, so that ten thousand of one delay the others by
 * no more than the jobs that run. `inHandMax` bounds what is dispatched and running; the first of a tenant may always go.
 *
 * It walks from customer to customer on an index and looks at few intents of each, whatever their number.
 */
export async function pickIntents(
  services: Pick<Services, 'db'>,
  queue: QueueName,
  inHandMax: number,
): Promise<readonly PickedIntent[]> {
  const values = [queue, inHandMax, BATCH];
  return (await runAsDispatcher<PickedIntent>(services, { ...PICK, values })).rows;
}
