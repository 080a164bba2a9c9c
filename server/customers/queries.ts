import { HoldfastError } from '../../core/base/errors.ts';
import type { CustomerFigures } from '../../core/domain/sla/customer-figures.ts';
import type { Standing } from '../../core/domain/sla/standing.ts';
import type { Scope } from '../access/scope.ts';
import type { AlertView } from '../alerts/view.ts';
import { sqlFragment, type SqlFragment, toStatement } from '../db/sql-fragment.ts';
import { runAllInScope, withScope } from '../db/with-scope.ts';
import { refreshSummaries } from '../fleet/refresh-summaries.ts';
import { loadSummaries, selectCustomerSummaries, type SummaryRow, withHistory } from '../fleet/summaries.ts';
import type { DeviceSummary } from '../fleet/view.ts';
import type { Services } from '../services.ts';
import { readFiguresJson, readStandingJson } from '../sla/read-figures.ts';

/** As on the page of a device. */
const ALERTS_MAX = 20;

/** One source in one month; the rows behind the customer's figures. Lengths are milliseconds. */
export interface SourceMonthView {
  readonly sourceId: string;
  readonly deviceId: string;
  readonly deviceName: string;
  /** When the measured part of the month began: with it, or when the source came under protection. */
  readonly windowStartMs: number;
  readonly windowMs: number;
  readonly violationMs: number;
  /** Share of the window in which the data age was inside the target; null when there is no window yet. */
  readonly attainment: number | null;
  readonly rpoMs: number;
  readonly peakMs: number | null;
  readonly peakAtMs: number | null;
  readonly restorePoints: number;
  readonly expected: number;
  readonly missed: number;
  readonly failed: number;
  readonly drillsPassed: number;
  readonly drillsFailed: number;
  readonly drillsVoid: number;
  readonly computedMs: number;
}

export interface CustomerHomeView {
  readonly nowMs: number;
  readonly customer: { readonly id: string; readonly name: string; readonly timeZone: string };
  /** 2026-11, in the customer's zone. */
  readonly month: string;
  readonly devices: readonly DeviceSummary[];
  readonly sources: readonly SourceMonthView[];
  readonly alerts: readonly AlertView[];
  /** What is stored and proven now; null until it was added up. */
  readonly standing: Standing | null;
  /** Of the month so far; null until they were computed. */
  readonly figures: CustomerFigures | null;
  /** The last drill that passed, with what it compared. */
  readonly lastProof: {
    readonly drillId: string;
    readonly deviceName: string;
    readonly finishedMs: number;
    readonly filesMatched: number;
    readonly bytes: number;
  } | null;
}

/** @throws HoldfastError not_found, for a foreign customer exactly as for one that never was. */
export async function viewCustomerHome(
  services: Services,
  scope: Scope,
  customerId: string,
): Promise<CustomerHomeView> {
  const nowMs = services.clock.nowMs();
  let rows = await readHome(services, scope, customerId, nowMs);
  if (rows.isWaiting) {
    await refreshSummaries(services, scope);
    rows = await readHome(services, scope, customerId, nowMs);
  }
  const { customer, months, alerts } = rows;
  if (customer === undefined) throw new HoldfastError('not_found', 'There is no such customer.');
  // What is waiting still, of a customer with very many devices or while somebody else is at it, is read from the rows themselves.
  const devices = rows.isWaiting
    ? await withScope(services, scope, (tx) => loadSummaries(tx, scope, nowMs, { customerId }))
    : withHistory(rows.devices, nowMs);
  const nameOf = new Map(devices.map((device) => [device.id, device.name]));
  return {
    nowMs,
    customer: { id: customerId, name: customer.name, timeZone: customer.timezone },
    month: customer.month,
    devices,
    // A source of a revoked device is history, not part of what is protected now.
    sources: months.filter((one) => nameOf.has(one.deviceId)).map((one) => toMonthView(one, nameOf.get(one.deviceId)!)),
    standing: readStandingJson(customer.standing),
    figures: customer.figures === null ? null : readFiguresJson(customer.figures),
    alerts: alerts.map(({ openedAt, ...alert }) => ({ ...alert, openedMs: openedAt.getTime() })),
    lastProof: customer.proof,
  };
}

interface CustomerRow {
  readonly name: string;
  readonly timezone: string;
  readonly month: string;
  readonly standing: unknown;
  /** Of the same row as `standing`. */
  readonly figures: unknown;
  readonly proof: CustomerHomeView['lastProof'];
}

interface HomeRows {
  readonly customer: CustomerRow | undefined;
  readonly months: readonly MonthRow[];
  readonly alerts: readonly (Omit<AlertView, 'openedMs'> & { readonly openedAt: Date })[];
  readonly devices: readonly SummaryRow[];
  /** A summary has to be computed again. */
  readonly isWaiting: boolean;
}

/** All of it in one wait: this is the page that is opened most. */
async function readHome(services: Services, scope: Scope, customerId: string, nowMs: number): Promise<HomeRows> {
  const { tenantId } = scope;
  const now = new Date(nowMs);
  const month = sqlFragment`(SELECT to_char(${now}::timestamptz AT TIME ZONE timezone, 'YYYY-MM') FROM customer
    WHERE tenant_id = ${tenantId}::uuid AND id = ${customerId}::uuid)`;
  const mine = (row: SqlFragment): SqlFragment =>
    sqlFragment`${row}.tenant_id = ${tenantId}::uuid AND ${row}.customer_id = ${customerId}::uuid`;
  const [customers, months, alerts, devices, waiting] = await runAllInScope<
    [CustomerRow, MonthRow, HomeRows['alerts'][number], SummaryRow, unknown]
  >(services, scope, [
    toStatement(
      'home-customer',
      sqlFragment`SELECT c.name, c.timezone, m.month, f.standing, f.figures, p.proof FROM customer c
        CROSS JOIN (SELECT ${month} AS month) m
        LEFT JOIN customer_month f ON f.tenant_id = c.tenant_id AND f.customer_id = c.id AND f.month = m.month
        LEFT JOIN LATERAL (SELECT jsonb_build_object('drillId', d.id, 'deviceName', e.name, 'finishedMs', epoch_ms(d.finished_at),
            'filesMatched', d.files_matched, 'bytes', d.bytes_done) AS proof
          FROM drill d JOIN device e ON e.tenant_id = d.tenant_id AND e.id = d.device_id
          WHERE d.tenant_id = c.tenant_id AND d.customer_id = c.id AND d.state = 'passed' AND d.finished_at IS NOT NULL
          ORDER BY d.finished_at DESC LIMIT 1) p ON true
        WHERE c.tenant_id = ${tenantId}::uuid AND c.id = ${customerId}::uuid`,
    ),
    toStatement(
      'home-months',
      sqlFragment`SELECT s.source_id AS "sourceId", s.device_id AS "deviceId", epoch_ms(s.window_start) AS "windowStartMs",
          s.window_seconds::float8 AS "windowSeconds", s.violation_seconds::float8 AS "violationSeconds", s.rpo_seconds::float8 AS "rpoSeconds",
          s.peak_exposure_seconds::float8 AS "peakSeconds", epoch_ms(s.peak_exposure_at) AS "peakAtMs", s.restore_points AS "restorePoints",
          s.expected, s.missed, s.failed + s.stuck AS failed, s.drills_passed AS "drillsPassed", s.drills_failed AS "drillsFailed",
          s.drills_void AS "drillsVoid", epoch_ms(s.computed_at) AS "computedMs"
        FROM source_month s WHERE ${mine(sqlFragment`s`)} AND s.month = ${month}`,
    ),
    toStatement(
      'home-alerts',
      sqlFragment`SELECT a.id, a.device_id AS "deviceId", a.kind, a.severity, a.title, a.message, a.opened_at AS "openedAt" FROM alert a
        WHERE ${mine(sqlFragment`a`)} AND a.resolved_at IS NULL ORDER BY a.opened_at DESC LIMIT ${ALERTS_MAX}`,
    ),
    toStatement('home-devices', selectCustomerSummaries(tenantId, customerId, now)),
    toStatement(
      'home-waiting',
      sqlFragment`SELECT 1 WHERE EXISTS (SELECT FROM device_dirty x WHERE ${mine(sqlFragment`x`)})
        OR EXISTS (SELECT FROM device_summary s WHERE ${mine(sqlFragment`s`)} AND s.next_due_at <= ${now}::timestamptz)`,
    ),
  ]);
  return { customer: customers[0], months, alerts, devices, isWaiting: waiting.length > 0 };
}

interface MonthRow
  extends Omit<SourceMonthView, 'deviceName' | 'windowMs' | 'violationMs' | 'attainment' | 'rpoMs' | 'peakMs'> {
  readonly windowSeconds: number;
  readonly violationSeconds: number;
  readonly rpoSeconds: number;
  readonly peakSeconds: number | null;
}

function toMonthView(row: MonthRow, deviceName: string): SourceMonthView {
  const { windowSeconds, violationSeconds, rpoSeconds, peakSeconds, ...same } = row;
  return {
    ...same,
    deviceName,
    windowMs: windowSeconds * 1000,
    violationMs: violationSeconds * 1000,
    attainment: windowSeconds === 0 ? null : 1 - violationSeconds / windowSeconds,
    rpoMs: rpoSeconds * 1000,
    peakMs: peakSeconds === null ? null : peakSeconds * 1000,
  };
}
