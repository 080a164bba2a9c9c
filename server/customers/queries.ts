import { HoldfastError } from '../../core/base/errors.ts';
import type { Scope } from '../access/scope.ts';
import { listOpenAlerts } from '../alerts/queries.ts';
import type { AlertView } from '../alerts/view.ts';
import { withScope } from '../db/with-scope.ts';
import type { SourceMonth } from '../db/generated/client.ts';
import { dayOf } from '../fleet/history.ts';
import { loadSummaries } from '../fleet/summaries.ts';
import type { DeviceSummary } from '../fleet/view.ts';
import type { Services } from '../services.ts';

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
  return await withScope(services, scope, async (tx) => {
    const where = { tenantId: scope.tenantId, customerId };
    const customer = await tx.customer.findFirst({ where: { tenantId: scope.tenantId, id: customerId } });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const month = dayOf(nowMs, customer.timezone).slice(0, 7);
    const months = await tx.sourceMonth.findMany({ where: { ...where, month } });
    const drill = await tx.drill.findFirst({
      where: { ...where, state: 'passed' },
      orderBy: { finishedAt: 'desc' },
      include: { device: { select: { name: true } } },
    });
    const devices = await loadSummaries(tx, scope, nowMs, { customerId });
    const nameOf = new Map(devices.map((device) => [device.id, device.name]));
    return {
      nowMs,
      customer: { id: customer.id, name: customer.name, timeZone: customer.timezone },
      month,
      devices,
      // A source of a revoked device is history, not part of what is protected now.
      sources: months
        .filter((one) => nameOf.has(one.deviceId))
        .map((one) => toMonthView(one, nameOf.get(one.deviceId)!)),
      alerts: await listOpenAlerts(tx, scope, { customerId }),
      lastProof:
        drill?.finishedAt == null
          ? null
          : {
              drillId: drill.id,
              deviceName: drill.device.name,
              finishedMs: drill.finishedAt.getTime(),
              filesMatched: drill.filesMatched,
              bytes: Number(drill.bytesDone),
            },
    };
  });
}

function toMonthView(row: SourceMonth, deviceName: string): SourceMonthView {
  const windowMs = Number(row.windowSeconds) * 1000;
  const violationMs = Number(row.violationSeconds) * 1000;
  return {
    sourceId: row.sourceId,
    deviceId: row.deviceId,
    deviceName,
    windowStartMs: row.windowStart.getTime(),
    windowMs,
    violationMs,
    attainment: windowMs === 0 ? null : 1 - violationMs / windowMs,
    rpoMs: Number(row.rpoSeconds) * 1000,
    peakMs: row.peakExposureSeconds === null ? null : Number(row.peakExposureSeconds) * 1000,
    peakAtMs: row.peakExposureAt?.getTime() ?? null,
    restorePoints: row.restorePoints,
    expected: row.expected,
    missed: row.missed,
    failed: row.failed,
    drillsPassed: row.drillsPassed,
    drillsFailed: row.drillsFailed,
    drillsVoid: row.drillsVoid,
    computedMs: row.computedAt.getTime(),
  };
}
