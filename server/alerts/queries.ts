import { type GroupedAlert, groupAlerts } from '../../core/domain/alerts/groups.ts';
import type { AlertKind, Severity } from '../../core/domain/alerts/kinds.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { sqlFragment } from '../db/sql-fragment.ts';
import { withScope } from '../db/with-scope.ts';
import { refreshSummaries } from '../fleet/refresh-summaries.ts';
import type { Services } from '../services.ts';
import { loadTickets } from './alert-tickets.ts';
import type { AlertView, BreachingDevice, Person, TodayAlert, TodayView } from './view.ts';

/** A worse morning than this is read by its most urgent part first. */
const TODAY_ALERTS_MAX = 5000;
const SOON_MS = 4 * 3_600_000;
const BREACHING_SHOWN = 200;
/** The kinds that each counter of the morning counts, and opens. */
export const TODAY_COUNTERS = {
  silent: ['silent'],
  drills: ['drill_failed'],
  anomalies: ['suspicious', 'ransomware', 'growth'],
} as const satisfies Record<string, readonly AlertKind[]>;

/** Open alerts, the newest first. */
export async function listOpenAlerts(
  tx: Tx,
  scope: Scope,
  filter: { readonly deviceId?: string; readonly customerId?: string },
): Promise<AlertView[]> {
  const alerts = await tx.alert.findMany({
    where: { tenantId: scope.tenantId, resolvedAt: null, ...filter },
    orderBy: { openedAt: 'desc' },
    take: 20,
  });
  return alerts.map((alert) => ({
    id: alert.id,
    deviceId: alert.deviceId,
    kind: alert.kind,
    severity: alert.severity as Severity, // held by a CHECK constraint
    title: alert.title,
    message: alert.message,
    openedMs: alert.openedAt.getTime(),
  }));
}

/** What stands this morning, by root cause over all customers, and who has looked at it. Staff. */
export async function viewToday(services: Services, scope: Scope): Promise<TodayView> {
  requireStaff(scope);
  const nowMs = services.clock.nowMs();
  const { tenantId } = scope;
  await refreshSummaries(services, scope);
  return await withScope(services, scope, async (tx) => {
    const alerts = await selectToday(tx, tenantId, new Date(nowMs));
    const groups = groupAlerts(alerts);
    const near = await selectBreachingSoon(tx, tenantId, nowMs);
    const snoozed = await tx.alert.count({
      where: { tenantId, resolvedAt: null, snoozedUntil: { gt: new Date(nowMs) } },
    });
    const review = await tx.alertReview.findFirst({
      where: { tenantId },
      orderBy: { at: 'desc' },
      include: { user: { select: { name: true } } },
    });
    return {
      nowMs,
      groups,
      snoozed,
      counts: {
        open: groups.length,
        breachingSoon: near.count,
        silent: devicesOf(alerts, TODAY_COUNTERS.silent),
        failedDrills: devicesOf(alerts, TODAY_COUNTERS.drills),
        anomalies: devicesOf(alerts, TODAY_COUNTERS.anomalies),
      },
      breaching: near.devices,
      isCut: alerts.length === TODAY_ALERTS_MAX,
      devices: await tx.device.count({ where: { tenantId, revokedAt: null } }),
      staff: await listStaff(tx, tenantId),
      review:
        review === null ? null : { name: review.user.name, atMs: review.at.getTime(), openGroups: review.openGroups },
      mayApprove: scope.role === 'owner',
    };
  });
}

function devicesOf(alerts: readonly GroupedAlert[], kinds: readonly string[]): number {
  return new Set(alerts.filter(({ kind }) => kinds.includes(kind)).map(({ deviceId }) => deviceId)).size;
}

/** People of the provider to whom an alert can be given. */
export async function listStaff(tx: Tx, tenantId: string): Promise<Person[]> {
  return await tx.appUser.findMany({
    where: { tenantId, customerId: null, disabledAt: null },
    select: { id: true, name: true },
    orderBy: { name: 'asc' },
  });
}

/** Of a source `s`: when the data of its newest usable point was captured. */
const newestUsable = sqlFragment`SELECT x.capture_at FROM restore_point x WHERE x.tenant_id = s.tenant_id AND x.source_id = s.id
  AND x.state = 'sealed' AND x.is_usable ORDER BY x.capture_at DESC LIMIT 1`;

/** It is not the source whose newest point its device's summary holds. */
const isFurther = sqlFragment`NOT EXISTS (SELECT FROM device_summary x WHERE x.tenant_id = s.tenant_id AND x.device_id = s.device_id
  AND x.source_id = s.id)`;

interface TodayRow extends Omit<TodayAlert, 'openedMs' | 'breachMs' | 'acknowledgedMs' | 'tickets'> {
  readonly episodeId: string | null;
  readonly openedAt: Date;
  readonly breachAt: Date | null;
  readonly acknowledgedAt: Date | null;
}

/** A promise is broken when the data of a source is older than its target: counted from the newest usable point. */
async function selectToday(tx: Tx, tenantId: string, now: Date): Promise<TodayAlert[]> {
  const rows = await tx.$queryRaw<TodayRow[]>`
    SELECT a.id, a.kind, a.severity, a.cause, a.title, a.message, a.customer_id AS "customerId", c.name AS "customerName",
      c.timezone AS "timeZone", a.device_id AS "deviceId", d.name AS "deviceName", d.agent_version AS "agentVersion",
      p.name AS "policyName", a.opened_at AS "openedAt", a.owner_id AS "ownerId", a.acknowledged_at AS "acknowledgedAt",
      a.reopenings, a.episode_id AS "episodeId", b.at AS "breachAt"
    FROM (SELECT * FROM alert WHERE tenant_id = ${tenantId}::uuid AND resolved_at IS NULL
        AND (snoozed_until IS NULL OR snoozed_until <= ${now})
      ORDER BY array_position(ARRAY['risk', 'warn', 'info'], severity), opened_at LIMIT ${TODAY_ALERTS_MAX}) a
    JOIN customer c ON c.tenant_id = a.tenant_id AND c.id = a.customer_id
    LEFT JOIN device d ON d.tenant_id = a.tenant_id AND d.id = a.device_id
    LEFT JOIN policy p ON p.tenant_id = a.tenant_id AND p.id = coalesce(a.policy_id, d.policy_id)
    LEFT JOIN LATERAL (
      SELECT min(coalesce(u.at, u.since)) + (p.document ->> 'rpoMinutes')::int * interval '1 minute' AS at
      FROM (SELECT ds.usable_capture_at AS at, s.created_at AS since FROM device_summary ds
          JOIN source s ON s.tenant_id = ds.tenant_id AND s.id = ds.source_id
          WHERE ds.tenant_id = d.tenant_id AND ds.device_id = d.id
        UNION ALL
        SELECT (${newestUsable}), s.created_at FROM source s WHERE s.tenant_id = d.tenant_id AND s.device_id = d.id
          AND ${isFurther}) u) b ON true`;
  const tickets = await loadTickets(tx, tenantId, rows, { isOpenOnly: true });
  return rows.map(({ openedAt, breachAt, acknowledgedAt, episodeId: _, ...row }) => ({
    ...row,
    tickets: tickets.get(row.id) ?? [],
    openedMs: openedAt.getTime(),
    breachMs: breachAt?.getTime() ?? null,
    acknowledgedMs: acknowledgedAt?.getTime() ?? null,
  }));
}

/**
 * Devices whose promise is broken within four hours unless a backup comes, alerted or not. Of the first source of each the newest
 * point stands in its summary; only the further ones, and the schedule of the few that are near, are looked up.
 */
async function selectBreachingSoon(
  tx: Tx,
  tenantId: string,
  nowMs: number,
): Promise<{ readonly count: number; readonly devices: readonly BreachingDevice[] }> {
  const [now, soon] = [new Date(nowMs), new Date(nowMs + SOON_MS)];
  const rows = await tx.$queryRaw<(BreachingDevice & { readonly count: number })[]>`
    WITH policies AS MATERIALIZED (SELECT id, (document ->> 'rpoMinutes')::int * interval '1 minute' AS rpo
      FROM policy WHERE tenant_id = ${tenantId}::uuid),
    newest AS (
      SELECT ds.device_id, ds.source_id, ds.usable_capture_at AS at FROM device_summary ds WHERE ds.tenant_id = ${tenantId}::uuid
      UNION ALL
      SELECT s.device_id, s.id, (${newestUsable}) FROM source s WHERE s.tenant_id = ${tenantId}::uuid AND ${isFurther}),
    near AS MATERIALIZED (
      SELECT n.device_id, n.source_id, n.at + p.rpo AS breach_at FROM newest n
      JOIN device d ON d.tenant_id = ${tenantId}::uuid AND d.id = n.device_id AND d.revoked_at IS NULL
      JOIN policies p ON p.id = d.policy_id
      WHERE n.at + p.rpo BETWEEN ${now} AND ${soon}),
    breaking AS (SELECT n.device_id, min(n.breach_at) AS at FROM near n
      -- What breaks its promise by its own schedule, hour after hour, says nothing here: a backup is due before.
      WHERE NOT EXISTS (SELECT FROM expected_occurrence o WHERE o.tenant_id = ${tenantId}::uuid AND o.source_id = n.source_id
        AND o.due_at > ${now} AND o.due_at < n.breach_at AND o.window_end < n.breach_at)
      GROUP BY n.device_id)
    SELECT b.device_id AS "deviceId", d.name AS "deviceName", c.name AS "customerName", c.timezone AS "timeZone",
      epoch_ms(b.at) AS "breachMs", count(*) OVER ()::int AS count
    FROM breaking b JOIN device d ON d.tenant_id = ${tenantId}::uuid AND d.id = b.device_id
    JOIN customer c ON c.tenant_id = d.tenant_id AND c.id = d.customer_id
    ORDER BY b.at, b.device_id LIMIT ${BREACHING_SHOWN}`;
  return { count: rows[0]?.count ?? 0, devices: rows.map(({ count: _, ...device }) => device) };
}
