/** One page of the fleet list: devices after the filter, in its order, each with its bar. Pages go on from a key, not a number. */
import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import type { FleetFilter } from '../../core/domain/fleet-filter/filter.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { sqlFragment, type SqlFragment, toStatement } from '../db/sql-fragment.ts';
import { runAllInScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { compileFilter, sortKeyOf, type SortKey } from './compile-filter.ts';
import { deviceOf } from './device-facts.ts';
import { type FleetFactsRow, fleetColumns, overManyRows, withFleet } from './fleet-rows.ts';
import { requireOwnFields } from './own-fields.ts';
import { emptyBar, loadBars } from './load-bars.ts';
import { refreshSummaries } from './refresh-summaries.ts';
import type { FleetPage, FleetRow, OccurrenceBar } from './view.ts';

export const PAGE_ROWS = 50;
/** For exports. */
export const PAGE_ROWS_MAX = 1000;
/** Pages of one list are told by one instant, so that no device moves between two of them; but not for ever. */
const LIST_MS_MAX = 30 * 60_000;

const placeSchema = z.strictObject({
  at: z.int(),
  key: z.string().max(200),
  customer: z.string().max(1000),
  name: z.string().max(1000),
  id: z.uuid(),
});
type Place = z.infer<typeof placeSchema>;

export interface PageWish {
  readonly filter: FleetFilter;
  /** `next` of the page before; null: from the beginning. */
  readonly after: string | null;
  readonly rows?: number;
  /** The bars are most of the work of a page. */
  readonly withBars?: boolean;
}

/** Who has the alerts is looked up for the rows of a page alone: it changes without any change of the device. */
interface ListedRow extends FleetFactsRow {
  readonly sort_key: string;
  readonly owners: string[];
}

/** Staff only. @throws HoldfastError bad_request for a place that is none, or a column that nobody has defined. */
export async function listFleet(services: Services, scope: Scope, wish: PageWish): Promise<FleetPage> {
  requireStaff(scope);
  const place = wish.after === null ? null : readPlace(wish.after);
  await requireOwnFields(services, scope, wish.filter.where);
  const clockMs = services.clock.nowMs();
  const nowMs = place === null ? clockMs : Math.max(Math.min(place.at, clockMs), clockMs - LIST_MS_MAX);
  if (place === null) await refreshSummaries(services, scope);
  const now = new Date(nowMs);
  const sortKey = sortKeyOf(wish.filter.sort);
  const isDescending = wish.filter.sort?.isDescending === true;
  const limit = Math.min(wish.rows ?? PAGE_ROWS, PAGE_ROWS_MAX);
  const order = sqlFragment`${sortKey.key} ${isDescending ? sqlFragment`DESC` : sqlFragment`ASC`}, f.customer_name, f.name, f.id`;
  const [, found] = await runAllInScope<[unknown, ListedRow]>(services, scope, [
    overManyRows,
    toStatement(
      null,
      // What is shown is spelled out for the rows of the page alone, and not for all that are sorted.
      sqlFragment`${withFleet(scope.tenantId, now)}
        SELECT ${fleetColumns}, (${sortKey.key})::text AS sort_key,
          CASE WHEN f.open_alerts = 0 THEN '{}' ELSE ARRAY(SELECT DISTINCT u.name FROM alert a
            JOIN app_user u ON u.tenant_id = a.tenant_id AND u.id = a.owner_id
            WHERE a.tenant_id = ${scope.tenantId}::uuid AND a.device_id = f.id AND a.resolved_at IS NULL ORDER BY 1) END AS owners
        FROM (
          SELECT f.* FROM f WHERE ${compileFilter(wish.filter.where, now)} AND ${behind(place, sortKey, isDescending)}
          ORDER BY ${order} LIMIT ${limit + 1}) f
        ORDER BY ${order}`,
    ),
  ]);
  const rows = found.slice(0, limit);
  const bars =
    wish.withBars === false ? new Map<string, OccurrenceBar>() : await loadBars(services, scope, rows, nowMs);
  const last = found.length > limit ? rows.at(-1) : undefined;
  return {
    nowMs,
    rows: rows.map((row) => toFleetRow(row, bars.get(row.id) ?? emptyBar(nowMs, row.timezone), nowMs)),
    next: last === undefined ? null : writePlace(last, nowMs),
  };
}

function behind(place: Place | null, { key, cast }: SortKey, isDescending: boolean): SqlFragment {
  if (place === null) return sqlFragment`true`;
  const value = cast(place.key);
  const further = isDescending ? sqlFragment`${key} < ${value}` : sqlFragment`${key} > ${value}`;
  return sqlFragment`(${further} OR (${key} = ${value}
    AND (f.customer_name, f.name, f.id) > (${place.customer}, ${place.name}, ${place.id}::uuid)))`;
}

function writePlace(row: ListedRow, nowMs: number): string {
  const place: Place = { at: nowMs, key: row.sort_key, customer: row.customer_name, name: row.name, id: row.id };
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function readPlace(text: string): Place {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch (cause) {
    throw new HoldfastError('bad_request', 'This place in the list is not known. Load the list again.', { cause });
  }
  const parsed = placeSchema.safeParse(value);
  if (!parsed.success)
    throw new HoldfastError('bad_request', 'This place in the list is not known. Load the list again.');
  return parsed.data;
}

function toFleetRow(row: ListedRow, bar: OccurrenceBar, nowMs: number): FleetRow {
  return {
    ...deviceOf(row, { rpoMs: row.rpo_ms, drillIntervalMs: row.drill_interval_ms }, nowMs),
    os: row.os,
    agentVersion: row.agent_version,
    policyName: row.policy_name,
    tags: row.tags,
    custody: row.custody,
    rtoMs: row.rto_ms === null ? null : Number(row.rto_ms),
    isRtoEstimated: row.is_rto_estimated,
    sizeBytes: row.usable_bytes === null ? null : Number(row.usable_bytes),
    addedBytes: row.usable_stored_bytes === null ? null : Number(row.usable_stored_bytes),
    lastOutcome: row.last_outcome,
    alertTitle: row.alert_title,
    owners: row.owners,
    badObjects: row.bad_objects,
    isSuspectedClone: row.suspected_clone_at !== null,
    enrolledMs: row.enrolled_at.getTime(),
    note: row.note,
    own: row.own ?? {},
    bar,
  };
}
