/** What a service that had run all the while would have computed of a scenario: figures of its months, what it uses, its summaries. */
import { monthsBetween } from '../../core/domain/calendar.ts';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import { refreshAllSummaries } from '../fleet/refresh-summaries.ts';
import type { Services } from '../services.ts';
import { rollUpTenantDays } from '../sla/roll-up-days.ts';
import { rollUpMonth } from '../sla/roll-up.ts';
import { closeUsage } from '../usage/close-usage.ts';
import { measureUsage } from '../usage/measure-usage.ts';
import type { Scenario } from './scenario.ts';
import { allowLongStatements, LONG_TRANSACTION } from './long-statements.ts';
import { writeInventories } from './write-inventories.ts';
import { writeRestores } from './write-restores.ts';
import { writeUsage } from './write-usage.ts';

/** More than any scenario is long. */
const MONTHS_MAX = 24;
const DAY_MS = 86_400_000;
/** Customers at a time: one for each of two processors. */
const AT_ONCE = 2;

export async function settleScenario(
  services: Services,
  scope: Scope,
  { customers, atMs, days }: Scenario,
  say: (done: number, of: number) => void,
): Promise<void> {
  // As of the scenario's own instant, whenever it is made.
  const then = { ...services, clock: { nowMs: () => atMs } };
  await refreshAllSummaries(then, scope);
  await withScope(
    then,
    scope,
    async (tx) => {
      await allowLongStatements(tx);
      await writeRestores(tx, scope.tenantId, atMs);
      await writeInventories(tx, scope.tenantId, atMs);
    },
    LONG_TRANSACTION,
  );
  // Nobody else works on a database that is just being filled: nothing to guard against.
  const claim = { scope, guard: async () => {} };
  const waiting = customers.entries();
  let done = 0;
  const settleNext = async (): Promise<void> => {
    for (const [, { id: customerId, timeZone }] of waiting) {
      for (const month of monthsBetween(atMs - days * DAY_MS, atMs, timeZone, MONTHS_MAX))
        await rollUpMonth(then, claim, { customerId, month });
      say(++done, customers.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, settleNext));
  const firstDay = new Date(atMs - (days + 1) * DAY_MS).toISOString().slice(0, 10);
  await withScope(then, scope, (tx) => rollUpTenantDays(tx, scope.tenantId, firstDay, atMs));
  await measureUsage(then, scope);
  await withScope(
    then,
    scope,
    async (tx) => {
      await allowLongStatements(tx);
      await writeUsage(tx, scope.tenantId);
    },
    LONG_TRANSACTION,
  );
  while ((await closeUsage(then, scope)) > 0);
}
