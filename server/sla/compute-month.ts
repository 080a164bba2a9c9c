/** A month computed from its rows as they are now, for those who want to know: nothing is written. */
import { HoldfastError } from '../../core/base/errors.ts';
import { monthWindow } from '../../core/domain/calendar.ts';
import { compareFigures, type FigureChange } from '../../core/domain/sla/amendments.ts';
import type { ContractVersion, SlaTerms } from '../../core/domain/sla/contract.ts';
import { type CustomerFigures, customerFigures } from '../../core/domain/sla/customer-figures.ts';
import type { Interval } from '../../core/domain/sla/intervals.ts';
import { type SourceFigures, sourceFigures } from '../../core/domain/sla/source-figures.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { loadFacts, type NamedFacts } from './load-facts.ts';
import { loadMonthFacts } from './load-month-facts.ts';
import { loadVersions } from './load-versions.ts';
import { readFiguresJson } from './read-figures.ts';

export interface ComputedMonth {
  readonly figures: CustomerFigures;
  readonly sources: readonly (SourceFigures & Pick<NamedFacts, 'sourceName' | 'deviceName'>)[];
}

/** With other terms than the contract's, as if they had held all the time, when `terms` is given. */
export async function computeMonth(
  tx: Tx,
  place: { readonly tenantId: string; readonly customerId: string; readonly whole: Interval },
  nowMs: number,
  terms?: SlaTerms,
): Promise<ComputedMonth> {
  const { tenantId, customerId, whole } = place;
  const versions: readonly ContractVersion[] =
    terms === undefined
      ? ((await loadVersions(tx, tenantId, [customerId])).get(customerId) ?? [])
      : [{ version: 1, validFromMs: Number.NEGATIVE_INFINITY, terms }];
  const facts = await loadFacts(
    tx,
    { tenantId, customerIds: [customerId], sourceIds: null, isLookingBack: true },
    { startMs: whole.startMs, endMs: Math.min(whole.endMs, nowMs) },
  );
  const sources = facts.flatMap((one) => {
    const figures = sourceFigures(one, versions, whole, nowMs);
    return figures === undefined ? [] : [{ ...figures, sourceName: one.sourceName, deviceName: one.deviceName }];
  });
  return { figures: customerFigures(sources, whole, await loadMonthFacts(tx, place, nowMs)), sources };
}

export interface Recomputation {
  readonly figures: CustomerFigures;
  /** What the month said at its close; null: it is not closed. */
  readonly frozen: CustomerFigures | null;
  /** Against the close, or, before it, against what is shown. */
  readonly changes: readonly FigureChange[];
}

/** @throws HoldfastError forbidden, not_found (also for a month of which nothing is known). */
export async function recomputeMonth(
  services: Services,
  scope: Scope,
  customerId: string,
  month: string,
): Promise<Recomputation> {
  requireStaff(scope);
  return await withScope(services, scope, async (tx) => {
    const place = await monthPlace(tx, scope, customerId, month);
    const row = await tx.customerMonth.findUnique({
      where: { tenantId_customerId_month: { tenantId: scope.tenantId, customerId, month } },
    });
    if (row === null) throw new HoldfastError('not_found', 'Nothing is known of this month.');
    // A month under way is computed until the instant at which it was last written, or it would differ by what passed since.
    const { figures } = await computeMonth(tx, place, Math.min(services.clock.nowMs(), row.windowEnd.getTime()));
    const frozen = row.frozen === null ? null : readFiguresJson(row.frozen);
    return { figures, frozen, changes: compareFigures(frozen ?? readFiguresJson(row.figures), figures) };
  });
}

export interface WhatIf {
  readonly now: CustomerFigures;
  readonly wouldBe: CustomerFigures;
  readonly changes: readonly FigureChange[];
}

/** The figures of a month as they are, and as they would be had these terms held in it. Nothing is written. */
export async function tryTerms(
  services: Services,
  scope: Scope,
  customerId: string,
  { month, terms }: { readonly month: string; readonly terms: SlaTerms },
): Promise<WhatIf> {
  requireStaff(scope);
  const nowMs = services.clock.nowMs();
  return await withScope(services, scope, async (tx) => {
    const place = await monthPlace(tx, scope, customerId, month);
    const { figures: now } = await computeMonth(tx, place, nowMs);
    const { figures: wouldBe } = await computeMonth(tx, place, nowMs, terms);
    return { now, wouldBe, changes: compareFigures(now, wouldBe) };
  });
}

export async function monthPlace(tx: Tx, scope: Scope, customerId: string, month: string) {
  const { tenantId } = scope;
  const customer = await tx.customer.findUnique({ where: { tenantId_id: { tenantId, id: customerId } } });
  if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
  return { tenantId, customerId, customer, whole: monthWindow(month, customer.timezone) };
}
