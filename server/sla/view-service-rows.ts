/** What the service did itself in a customer's month, breach by breach and drill by drill: the rows behind metrics 15 and 16. */
import { HoldfastError } from '../../core/base/errors.ts';
import { monthWindow } from '../../core/domain/calendar.ts';
import { isFalseGreen } from '../../core/domain/sla/own-service.ts';
import type { ServiceFigures } from '../../core/domain/sla/standing.ts';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { judgeService, type JudgedBreach, type NamedDrill, sumService } from './load-service-figures.ts';
import { loadVersions } from './load-versions.ts';

/** Of a month with more, those of which nobody was told for longest. */
export const SERVICE_ROWS_SHOWN = 200;

export interface ServiceRowsView {
  readonly nowMs: number;
  readonly customer: { readonly id: string; readonly name: string; readonly timeZone: string };
  readonly month: string;
  /** As the rows say now; those that were kept with the month are of its close, or some hours old. */
  readonly figures: ServiceFigures;
  /** The longest silence first. */
  readonly breaches: readonly JudgedBreach[];
  readonly breachesTotal: number;
  /** The wrongly green ones first, then the newest. */
  readonly drills: readonly (Pick<NamedDrill, 'id' | 'deviceName' | 'finishedMs' | 'state' | 'wasGreen'> & {
    readonly isFalseGreen: boolean;
  })[];
  readonly drillsTotal: number;
}

/** @throws HoldfastError not_found for a foreign customer as for none. */
export async function viewServiceRows(
  services: Services,
  scope: Scope,
  customerId: string,
  month: string,
): Promise<ServiceRowsView> {
  const nowMs = services.clock.nowMs();
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const customer = await tx.customer.findFirst({ where: { tenantId, id: customerId } });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const whole = monthWindow(month, customer.timezone);
    const versions = (await loadVersions(tx, tenantId, [customerId])).get(customerId) ?? [];
    const judged = await judgeService(tx, { tenantId, customerId, whole }, versions, nowMs);
    const drills = judged.drills.map((drill) => ({ ...drill, isFalseGreen: isFalseGreen(drill) }));
    return {
      nowMs,
      customer: { id: customer.id, name: customer.name, timeZone: customer.timezone },
      month,
      figures: sumService(judged),
      breaches: [...judged.breaches]
        .sort((a, b) => b.silentMs - a.silentMs || b.startMs - a.startMs)
        .slice(0, SERVICE_ROWS_SHOWN),
      breachesTotal: judged.breaches.length,
      drills: drills
        .sort((a, b) => Number(b.isFalseGreen) - Number(a.isFalseGreen) || b.finishedMs - a.finishedMs)
        .slice(0, SERVICE_ROWS_SHOWN),
      drillsTotal: judged.drills.length,
    };
  });
}
