import { monthAfter, monthWindow } from '../../core/domain/calendar.ts';
import { usageOfMonth } from '../../core/domain/usage.ts';
import type { Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/**
 * After the last midnight of a month the drills of its last day are counted once more; a service that stood still then has had
 * a day to do it.
 */
const CLOSE_AFTER_MS = 24 * 3600_000;
/** After a long stillness no more than these are written down by one call; the next one goes on. */
const MONTHS_MAX = 100;

/** Writes down every customer's months that are over. Nobody can change them afterwards. @returns how many. */
export async function closeUsage(services: Services, scope: Scope): Promise<number> {
  const { tenantId } = scope;
  const nowMs = services.clock.nowMs();
  const open = await withScope(services, scope, async (tx) => {
    return await tx.$queryRaw<{ customerId: string; timezone: string; month: string }[]>`
      SELECT DISTINCT u.customer_id AS "customerId", c.timezone, left(u.day, 7) AS month FROM usage_day u
      JOIN customer c ON c.tenant_id = u.tenant_id AND c.id = u.customer_id
      WHERE u.tenant_id = ${tenantId}::uuid AND NOT EXISTS (SELECT FROM usage_month m
        WHERE m.tenant_id = u.tenant_id AND m.customer_id = u.customer_id AND m.month = left(u.day, 7))
      ORDER BY 3, 1`;
  });
  const over = open.filter(({ month, timezone }) => monthWindow(month, timezone).endMs + CLOSE_AFTER_MS <= nowMs);
  for (const { customerId, month } of over.slice(0, MONTHS_MAX)) await closeMonth(services, scope, customerId, month);
  return Math.min(over.length, MONTHS_MAX);
}

async function closeMonth(services: Services, scope: Scope, customerId: string, month: string): Promise<void> {
  const { tenantId } = scope;
  await applyChange(services, scope, async (change) => {
    const days = await change.tx.usageDay.findMany({
      where: { tenantId, customerId, day: { gte: `${month}-01`, lt: `${monthAfter(month)}-01` } },
    });
    const figures = usageOfMonth(days);
    await change.audit('usage.frozen', { kind: 'usage_month', id: null }, { customerId, month });
    await change.tx.usageMonth.createMany({
      data: { tenantId, customerId, month, ...figures, frozenAt: new Date(services.clock.nowMs()) },
      skipDuplicates: true, // another worker was first, with the same rows
    });
  });
}
