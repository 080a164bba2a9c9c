/**
 * What makes figures wrong is marked in the transaction that causes it; who computes them takes the marks away and reads the
 * rows again. Nothing is ever added to a figure, so no mark can count twice and none too few.
 */
import { newId } from '../../core/base/ids.ts';
import type { Clock } from '../../core/base/clock.ts';
import { dayOf, monthsBetween } from '../../core/domain/calendar.ts';
import type { Tx } from '../db/client.ts';

/** Why a figure changed; shown with an amendment (core/domain/sla/sla-words.ts). */
export const DIRTY_CAUSES = [
  'backup_sealed',
  'outcome_resolved',
  'point_locked',
  'point_released',
  'drill_finished',
  'drill_withdrawn',
  'restore_ended',
  'excuse_approved',
  'excuse_withdrawn',
  'contract_changed',
] as const;
export type DirtyCause = (typeof DIRTY_CAUSES)[number];

/** Months that one change may restate. Further back nothing that still happens reaches. */
const MONTHS_MAX = 36;

export interface DirtyPlace {
  readonly tenantId: string;
  readonly customerId: string;
  /** Null: every source of the customer. */
  readonly sourceId: string | null;
  readonly timeZone: string;
}

/** @returns the months that were marked. */
export async function markDirty(
  services: { readonly clock: Clock },
  tx: Tx,
  place: DirtyPlace,
  span: { readonly fromMs: number; readonly untilMs: number },
  cause: DirtyCause,
): Promise<string[]> {
  const months = monthsBetween(span.fromMs, span.untilMs, place.timeZone, MONTHS_MAX);
  const fromDay = dayOf(Math.min(span.fromMs, span.untilMs), place.timeZone);
  const { tenantId, customerId, sourceId } = place;
  const at = new Date(services.clock.nowMs());
  await tx.slaDirty.createMany({
    data: months.map((month) => ({
      tenantId,
      id: newId(services.clock),
      customerId,
      sourceId,
      month,
      fromDay: fromDay > `${month}-01` ? fromDay : `${month}-01`,
      cause,
      at,
    })),
  });
  return months;
}
