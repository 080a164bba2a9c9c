/** The bars of one page: what was expected of its devices in 28 days, what became of it, and their drills. */
import type { OccurrenceOutcome } from '../../core/domain/outcome.ts';
import type { Scope } from '../access/scope.ts';
import { sqlFragment, toStatement } from '../db/sql-fragment.ts';
import { runAllInScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { dayLabel, HISTORY_DAYS, lastDays } from './history.ts';
import type { BarCell, BarDrill, OccurrenceBar } from './view.ts';

interface BarredDevice {
  readonly id: string;
  readonly timezone: string;
}

/** A reason in a tooltip; the run has all of it. */
const REASON_CHARS_MAX = 200;

interface CellRow {
  readonly device_id: string;
  readonly at: number;
  readonly day: number;
  readonly outcome: OccurrenceOutcome | 'extra' | null;
  readonly reason: string | null;
}

interface DrillRow {
  readonly device_id: string;
  readonly id: string;
  readonly finished_at: Date;
  readonly day: number;
  readonly state: 'passed' | 'failed';
  readonly level: number;
}

export async function loadBars(
  services: Pick<Services, 'db'>,
  scope: Scope,
  devices: readonly BarredDevice[],
  nowMs: number,
): Promise<Map<string, OccurrenceBar>> {
  const bars = new Map(devices.map(({ id, timezone }) => [id, openBar(nowMs, timezone)]));
  if (devices.length === 0) return bars;
  const { tenantId } = scope;
  const ids = devices.map(({ id }) => id);
  const zones = devices.map(({ timezone }) => timezone);
  const now = new Date(nowMs);
  // One day more than is shown: the first day of the bar begins before now minus 28 days in most zones.
  const since = new Date(nowMs - (HISTORY_DAYS + 1) * 24 * 3600_000);
  const [cells, drills] = await runAllInScope<[CellRow, DrillRow]>(services, scope, [
    toStatement(
      'bar-cells',
      sqlFragment`
    WITH shown AS (SELECT z.id, z.zone, s.customer_id, s.id AS source_id, (${now}::timestamptz AT TIME ZONE z.zone)::date AS today
      FROM unnest(${ids}::uuid[], ${zones}::text[]) AS z(id, zone)
      JOIN source s ON s.tenant_id = ${tenantId}::uuid AND s.device_id = z.id)
    SELECT shown.id AS device_id, extract(epoch FROM o.due_at)::float8 AS at,
      ${HISTORY_DAYS - 1}::int - (shown.today - (o.due_at AT TIME ZONE shown.zone)::date) AS day, o.outcome,
      CASE WHEN o.outcome <> 'ok' THEN left(o.reason, ${REASON_CHARS_MAX}::int) END AS reason
    FROM shown JOIN expected_occurrence o ON o.tenant_id = ${tenantId}::uuid AND o.source_id = shown.source_id
      AND o.due_at BETWEEN ${since} AND ${now}
    UNION ALL
    SELECT shown.id, extract(epoch FROM p.capture_at)::float8,
      ${HISTORY_DAYS - 1}::int - (shown.today - (p.capture_at AT TIME ZONE shown.zone)::date), 'extra', NULL
    FROM shown JOIN backup_run r ON r.tenant_id = ${tenantId}::uuid AND r.customer_id = shown.customer_id AND r.device_id = shown.id
      AND r.source_id = shown.source_id AND r.occurrence_id IS NULL
    JOIN restore_point p ON p.tenant_id = r.tenant_id AND p.source_id = r.source_id AND p.run_id = r.id
      AND p.capture_at BETWEEN ${since} AND ${now} AND p.is_usable
    ORDER BY 2`,
    ),
    toStatement(
      'bar-drills',
      sqlFragment`
    SELECT z.id AS device_id, d.id, d.finished_at, d.state, d.level,
      ${HISTORY_DAYS - 1}::int - ((${now}::timestamptz AT TIME ZONE z.zone)::date - (d.finished_at AT TIME ZONE z.zone)::date) AS day
    FROM unnest(${ids}::uuid[], ${zones}::text[]) AS z(id, zone)
    JOIN LATERAL (
      SELECT * FROM drill x WHERE x.tenant_id = ${tenantId}::uuid AND x.device_id = z.id AND x.state = 'passed'
        AND x.finished_at BETWEEN ${since} AND ${now}
      UNION ALL
      SELECT * FROM drill x WHERE x.tenant_id = ${tenantId}::uuid AND x.device_id = z.id AND x.state = 'failed'
        AND x.finished_at BETWEEN ${since} AND ${now}) d ON true
    ORDER BY d.finished_at`,
    ),
  ]);
  for (const { device_id, at, day, outcome, reason } of cells)
    if (day >= 0) bars.get(device_id)?.cells.push([at, day, outcome ?? 'open', reason]);
  for (const { device_id, id, finished_at, day, state, level } of drills)
    if (day >= 0) bars.get(device_id)?.drills.push({ id, atMs: finished_at.getTime(), day, state, level });
  return bars;
}

export function emptyBar(nowMs: number, timeZone: string): OccurrenceBar {
  return openBar(nowMs, timeZone);
}

function openBar(nowMs: number, timeZone: string): OccurrenceBar & { cells: BarCell[]; drills: BarDrill[] } {
  return { days: lastDays(nowMs, timeZone).map(dayLabel), cells: [], drills: [] };
}
