import type { Services } from '../services.ts';
import type { Change } from '../changes/apply-change.ts';
import { type DirtyCause, type DirtyPlace, markDirty } from './mark-dirty.ts';

/** Marks the months from `fromMs` until now and has them computed again at once. Repetitions wait as one. */
export async function enqueueRollups(
  services: Pick<Services, 'clock'>,
  { tx, enqueue }: Pick<Change, 'tx' | 'enqueue'>,
  place: DirtyPlace,
  fromMs: number,
  cause: DirtyCause,
): Promise<void> {
  const untilMs = services.clock.nowMs();
  const { customerId } = place;
  for (const month of await markDirty(services, tx, place, { fromMs, untilMs }, cause))
    await enqueue('rollup', { customerId, month }, { dedupeKey: `${customerId}/${month}`, customerId });
}
