/** How long a recovery took, by parts (metrics, 7). Two sums: what the work itself took, and what somebody would have waited. */

/** In the order in which they happen. */
export const RTO_PARTS = [
  'queue',
  'locate',
  'provision',
  'firstByte',
  'transfer',
  'rebuild',
  'start',
  'checks',
] as const;
export type RtoPart = (typeof RTO_PARTS)[number];

/** Milliseconds; a part that did not happen is left out. `total` is measured by its own clock, not added up. */
export type RtoTimings = Partial<Record<RtoPart | 'total', number>>;

/** Without the queue. Undefined when nothing was measured. */
export function technicalRtoMs(timings: RtoTimings): number | undefined {
  const parts = RTO_PARTS.filter((part) => part !== 'queue').map((part) => timings[part]);
  if (parts.every((ms) => ms === undefined)) return undefined;
  return parts.reduce<number>((sum, ms) => sum + (ms ?? 0), 0);
}

/** From the wish to the usable service, the queue with it. */
export function elapsedRtoMs(timings: RtoTimings): number | undefined {
  const technical = technicalRtoMs(timings);
  return technical === undefined ? undefined : technical + (timings.queue ?? 0);
}

/**
 * What a full restore would take, from a drill of a sample: its fixed parts, and all bytes at the pace that nine of ten
 * samples reached. Always shown as an estimate. `paces`: bytes a second of this and earlier drills. Undefined without a pace.
 */
export function estimateFullRtoMs(
  timings: RtoTimings,
  fullBytes: number,
  paces: readonly number[],
): number | undefined {
  const sorted = paces.filter((pace) => pace > 0).sort((a, b) => a - b);
  const slow = sorted[Math.floor((sorted.length - 1) * 0.1)];
  if (slow === undefined) return undefined;
  const { transfer: _, ...fixed } = timings;
  return Math.round((technicalRtoMs(fixed) ?? 0) + (fullBytes / slow) * 1000);
}
