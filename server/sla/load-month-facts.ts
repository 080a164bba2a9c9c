import type { MonthFacts } from '../../core/domain/sla/customer-figures.ts';
import type { Interval } from '../../core/domain/sla/intervals.ts';
import type { Tx } from '../db/client.ts';
import { loadDatabaseDrills } from './load-database-drills.ts';
import { loadRestores } from './load-restores.ts';

/** What a customer's month is computed from beside its sources, until now. */
export async function loadMonthFacts(
  tx: Tx,
  { tenantId, customerId, whole }: { readonly tenantId: string; readonly customerId: string; readonly whole: Interval },
  nowMs: number,
): Promise<MonthFacts> {
  // What ended at this very instant has ended.
  const span = { startMs: whole.startMs, endMs: Math.min(whole.endMs, nowMs + 1) };
  const where = { tenantId, customerId };
  return {
    restores: await loadRestores(tx, where, span),
    databaseDrills: await loadDatabaseDrills(tx, where, span),
  };
}
