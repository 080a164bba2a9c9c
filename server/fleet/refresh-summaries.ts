/**
 * Keeps device_summary true, and device_watch, which alert rules look at. Triggers write down which devices were touched; here
 * those are computed anew, as a whole. A device is also due when its next expected backup has become the last one. Whoever
 * reads the list does what little is waiting; the sweep does the rest.
 */
import type { Scope } from '../access/scope.ts';
import { writeWatchedFacts } from '../alerts/watched-facts.ts';
import type { TransactionOptions, Tx } from '../db/client.ts';
import { runInScope, withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { barDaysOf } from './bar-days.ts';
import { factColumns, factNames, factSources } from './device-facts.ts';

/** Devices of one transaction: a reader waits for no more than this, some tens of milliseconds. */
export const REFRESH_DEVICES_MAX = 200;
/** Whoever does all of them waits for nobody: on a machine that writes much else, one step was seen to take a minute. */
const ALL_TIMEOUT_MS = 5 * 60_000;

/** A row when any device waits. */
const WAITING = {
  name: 'summaries-waiting',
  text: `SELECT 1 WHERE EXISTS (SELECT FROM device_dirty WHERE tenant_id = $1::uuid)
    OR EXISTS (SELECT FROM device_summary WHERE tenant_id = $1::uuid AND next_due_at <= $2::timestamptz)`,
};

export interface RefreshOptions extends TransactionOptions {
  /** For somebody who is at it, who takes some tens of milliseconds. */
  readonly isWaiting?: boolean;
}

/**
 * One step. @returns how many devices were computed; 0 also when somebody else is at it: a device that two compute at once
 * could be left with the older result.
 */
export async function refreshSummaries(
  services: Pick<Services, 'db' | 'clock'>,
  scope: Scope,
  { isWaiting = false, ...options }: RefreshOptions = {},
): Promise<number> {
  const now = new Date(services.clock.nowMs());
  // Every page asks, and mostly nothing waits: one statement, and no transaction of Prisma's.
  const { rows: waiting } = await runInScope(services, scope, { ...WAITING, values: [scope.tenantId, now] });
  if (waiting.length === 0) return 0;
  const step = async (tx: Tx): Promise<number> => {
    if (!(await lock(tx, scope.tenantId, isWaiting))) return 0;
    const rows = await tx.$queryRaw<{ device_id: string }[]>`
      SELECT DISTINCT device_id FROM (
        SELECT device_id FROM device_dirty WHERE tenant_id = ${scope.tenantId}::uuid
        UNION ALL
        SELECT device_id FROM device_summary WHERE tenant_id = ${scope.tenantId}::uuid AND next_due_at <= ${now}) waiting
      LIMIT ${REFRESH_DEVICES_MAX}`;
    const ids = rows.map(({ device_id }) => device_id);
    await computeSummaries(tx, scope.tenantId, ids, now);
    return ids.length;
  };
  return await withScope(services, scope, step, options);
}

/** Until nothing is waiting. */
export async function refreshAllSummaries(
  services: Pick<Services, 'db' | 'clock'>,
  scope: Scope,
  options: Pick<RefreshOptions, 'isWaiting'> = {},
): Promise<number> {
  let all = 0;
  for (;;) {
    const count = await refreshSummaries(services, scope, { ...options, timeoutMs: ALL_TIMEOUT_MS });
    all += count;
    if (count < REFRESH_DEVICES_MAX) return all;
  }
}

async function lock(tx: Tx, tenantId: string, isWaiting: boolean): Promise<boolean> {
  const key = `device_summary ${tenantId}`;
  if (isWaiting) {
    await tx.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended(${key}, 0))::text`;
    return true;
  }
  const rows = await tx.$queryRaw<{ locked: boolean }[]>`
    SELECT pg_try_advisory_xact_lock(hashtextextended(${key}, 0)) AS locked`;
  return rows[0]?.locked === true;
}

async function computeSummaries(tx: Tx, tenantId: string, ids: readonly string[], now: Date): Promise<void> {
  // First, so that the next statement sees every change whose mark is taken away here.
  await tx.$executeRaw`DELETE FROM device_dirty WHERE tenant_id = ${tenantId}::uuid AND device_id = ANY (${ids}::uuid[])`;
  await tx.$executeRaw`
    INSERT INTO device_summary (tenant_id, device_id, customer_id, computed_at, ${factNames}, days)
    SELECT tenant_id, device_id, customer_id, computed_at, ${factNames}, days FROM (
      SELECT d.tenant_id, d.id AS device_id, d.customer_id, ${now}::timestamptz AS computed_at, ${factColumns}, ${barDaysOf(now)} AS days
      FROM device d ${factSources(now)}
      WHERE d.tenant_id = ${tenantId}::uuid AND d.id = ANY (${ids}::uuid[])) facts
    ON CONFLICT (tenant_id, device_id) DO UPDATE SET (computed_at, ${factNames}, days) = (
      SELECT excluded.computed_at, excluded.source_id, excluded.custody, excluded.agent_order, excluded.newest_capture_at,
        excluded.newest_state, excluded.newest_outcome, excluded.newest_is_usable, excluded.newest_level, excluded.usable_capture_at,
        excluded.usable_outcome, excluded.usable_level, excluded.usable_bytes, excluded.usable_stored_bytes, excluded.run_id,
        excluded.run_state, excluded.run_outcome, excluded.run_started_at, excluded.run_finished_at, excluded.run_progress_at,
        excluded.last_outcome, excluded.open_window_end, excluded.next_due_at, excluded.next_window_end, excluded.verdict,
        excluded.verdict_at, excluded.proof_at, excluded.loss_at, excluded.rto_ms, excluded.is_rto_estimated, excluded.bad_objects,
        excluded.open_alerts, excluded.alert_id, excluded.alert_title, excluded.is_checking, excluded.days)`;
  await writeWatchedFacts(tx, tenantId, ids, now);
}
