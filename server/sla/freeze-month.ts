/** The close of a month: what it says then stays said. What its rows say later is an amendment beside it. */
import { newId } from '../../core/base/ids.ts';
import { compareFigures } from '../../core/domain/sla/amendments.ts';
import type { CustomerFigures } from '../../core/domain/sla/customer-figures.ts';
import type { Scope } from '../access/scope.ts';
import { appendAudit } from '../audit/append-audit.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';
import type { MonthPlace } from './roll-up.ts';

/** Backups of the last hours may still be on their way; after so long the month closes without them. */
const WAIT_MS = 24 * 3_600_000;

/** The month is over, was computed to its end, and nothing that was expected in it is open; or a day has passed since. */
export async function isClosable(tx: Tx, { tenantId, customerId, month, whole }: MonthPlace, nowMs: number) {
  if (nowMs < whole.endMs) return false;
  const row = await tx.customerMonth.findUnique({
    where: { tenantId_customerId_month: { tenantId, customerId, month } },
    select: { windowEnd: true },
  });
  if (row === null || row.windowEnd.getTime() < whole.endMs) return false;
  if (nowMs >= whole.endMs + WAIT_MS) return true;
  const open = await tx.expectedOccurrence.count({
    where: {
      tenantId,
      customerId,
      dueAt: { gte: new Date(whole.startMs), lt: new Date(whole.endMs) },
      outcome: null,
      device: { revokedAt: null },
    },
  });
  return open === 0;
}

export async function freezeMonth(
  services: Pick<Services, 'clock'>,
  tx: Tx,
  scope: Scope,
  { tenantId, customerId, month }: MonthPlace,
): Promise<void> {
  await tx.$executeRaw`
    UPDATE customer_month SET frozen = figures, frozen_at = ${new Date(services.clock.nowMs())}
    WHERE tenant_id = ${tenantId}::uuid AND customer_id = ${customerId}::uuid AND month = ${month} AND frozen_at IS NULL`;
  await appendAudit(tx, { ...scope, customerId }, 'sla_month.frozen', { kind: 'customer', id: customerId }, { month });
}

/** Writes what differs from what the month said last, with its causes. */
export async function amendMonth(
  services: Pick<Services, 'clock'>,
  tx: Tx,
  scope: Scope,
  { tenantId, customerId, month }: MonthPlace,
  change: { readonly before: CustomerFigures; readonly after: CustomerFigures; readonly causes: readonly string[] },
): Promise<void> {
  const changes = compareFigures(change.before, change.after);
  if (changes.length === 0) return;
  const cause = [...new Set(change.causes)].sort().join(',') || 'recomputed';
  const at = new Date(services.clock.nowMs());
  await tx.slaAmendment.createMany({
    data: changes.map((one) => ({ tenantId, id: newId(services.clock), customerId, month, ...one, cause, at })),
  });
  await appendAudit(
    tx,
    { ...scope, customerId },
    'sla_month.amended',
    { kind: 'customer', id: customerId },
    { month, cause, figures: changes.map(({ figure }) => figure) },
  );
}
