/** How restores were served in a customer's month, one by one: the rows behind metric 21. */
import { HoldfastError } from '../../core/base/errors.ts';
import { monthWindow } from '../../core/domain/calendar.ts';
import { restoreFigures, type RestoreFigures } from '../../core/domain/sla/restore-service.ts';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { countRestoreLines, loadRestoreLines, loadRestores, type RestoreLine } from './load-restores.ts';

export const RESTORES_A_PAGE = 100;

export interface RestoresView {
  readonly nowMs: number;
  readonly customer: { readonly id: string; readonly name: string; readonly timeZone: string };
  readonly month: string;
  /** As the rows say now; those of the month's page were computed some minutes ago, or at its close. */
  readonly figures: RestoreFigures;
  readonly restores: readonly RestoreLine[];
  readonly restoresTotal: number;
}

/** `page` from 1 on. @throws HoldfastError not_found for a foreign customer as for none. */
export async function viewRestores(
  services: Services,
  scope: Scope,
  customerId: string,
  { month, page }: { readonly month: string; readonly page: number },
): Promise<RestoresView> {
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const customer = await tx.customer.findFirst({ where: { tenantId, id: customerId } });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const span = monthWindow(month, customer.timezone);
    const where = { tenantId, customerId };
    return {
      nowMs: services.clock.nowMs(),
      customer: { id: customer.id, name: customer.name, timeZone: customer.timezone },
      month,
      figures: restoreFigures(await loadRestores(tx, where, span), span),
      restores: await loadRestoreLines(tx, where, span, {
        skip: (page - 1) * RESTORES_A_PAGE,
        take: RESTORES_A_PAGE,
      }),
      restoresTotal: await countRestoreLines(tx, where, span),
    };
  });
}
