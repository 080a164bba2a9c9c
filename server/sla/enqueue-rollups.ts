import { monthsBetween } from '../../core/domain/calendar.ts';
import type { Change } from '../changes/apply-change.ts';

/** Months that one change may restate. What is older is frozen in its reports; the rows keep what they had. */
const MONTHS_MAX = 6;

/** Has the months from `fromMs` until now computed again, for something in them has changed. Repetitions wait as one. */
export async function enqueueRollups(
  { enqueue }: Pick<Change, 'enqueue'>,
  source: { readonly id: string; readonly customerId: string; readonly timeZone: string },
  fromMs: number,
  nowMs: number,
): Promise<void> {
  for (const month of monthsBetween(fromMs, nowMs, source.timeZone, MONTHS_MAX))
    await enqueue(
      'rollup',
      { sourceId: source.id, month },
      { dedupeKey: `${source.id}/${month}`, customerId: source.customerId },
    );
}
