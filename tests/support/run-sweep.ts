import type pg from 'pg';
import { until } from './until.ts';

/**
 * Has the service of the browser tests do now what it does by itself every half a minute, or every ten, and waits until that is
 * done, and the figures and papers that it ordered.
 */
export async function runSweep(database: pg.Client, kind: 'schedule-sweep' | 'housekeeping'): Promise<void> {
  const { rows } = await database.query<{ tenantId: string; id: string; createdAt: string }>(
    `INSERT INTO job_intent (tenant_id, id, kind, queue, payload, priority, state)
     SELECT id, gen_random_uuid(), $1, 'sweep', '{}', 1, 'waiting' FROM tenant ORDER BY created_at LIMIT 1
     RETURNING tenant_id AS "tenantId", id, created_at::text AS "createdAt"`,
    [kind],
  );
  const { tenantId, id, createdAt } = rows[0]!;
  await until(`The ${kind} and what it ordered`, async () => {
    const { rowCount } = await database.query(
      `SELECT 1 FROM job_intent WHERE tenant_id = $1 AND state NOT IN ('done', 'dead')
       AND (id = $2 OR (created_at >= $3::timestamptz AND queue IN ('rollup', 'report'))) LIMIT 1`,
      [tenantId, id, createdAt],
    );
    return rowCount === 0;
  });
}
