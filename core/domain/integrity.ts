/**
 * Integrity coverage (metrics.md 10): which share of the stored bytes was verified at a level or a higher one within so many
 * days, and how long the byte has waited that was looked at least recently. Nothing else computes these figures.
 *
 * What is stored is summed per vault by the database; the sums of vaults make those of a customer and of the provider.
 */

export type CheckLevel = 0 | 1 | 2;
export const CHECK_LEVELS = [0, 1, 2] as const satisfies readonly CheckLevel[];

/** Days within which everything is looked at again: a listing each day, a reading each month, a decryption each quarter. */
export const COVERAGE_DAYS: Readonly<Record<CheckLevel, number>> = { 0: 2, 1: 30, 2: 90 };

/** One stored object as the ledger has it. */
export interface ObjectFacts {
  readonly bytes: number;
  readonly sealedMs: number;
  /** False: it was found damaged or missing, and counts for no level. */
  readonly isIntact: boolean;
  /** When each level last passed; undefined: never. */
  readonly passedMs: Readonly<Record<CheckLevel, number | undefined>>;
}

/** Sums over objects. */
export interface CoverageSums {
  readonly storedBytes: number;
  /** Of them verified at the level or a higher one within the days. */
  readonly verifiedBytes: number;
  /** When the byte that was looked at least recently was verified, or stored when it never was; undefined without bytes. */
  readonly oldestMs: number | undefined;
  readonly objects: number;
}

export const NOTHING_STORED: CoverageSums = { storedBytes: 0, verifiedBytes: 0, oldestMs: undefined, objects: 0 };

/** When an object last passed the level or a higher one: who was decrypted was read, and who was read was there. */
export function reachedMs({ isIntact, passedMs }: ObjectFacts, level: CheckLevel): number | undefined {
  if (!isIntact) return undefined;
  let newest: number | undefined;
  for (const one of CHECK_LEVELS) {
    const at = passedMs[one];
    if (one >= level && at !== undefined && (newest === undefined || at > newest)) newest = at;
  }
  return newest;
}

export function sumObjects(
  objects: Iterable<ObjectFacts>,
  level: CheckLevel,
  terms: { readonly days: number; readonly nowMs: number },
): CoverageSums {
  let sums = NOTHING_STORED;
  for (const object of objects) {
    const at = reachedMs(object, level);
    const isCovered = at !== undefined && at >= coveredFromMs(terms);
    sums = addSums(sums, {
      storedBytes: object.bytes,
      verifiedBytes: isCovered ? object.bytes : 0,
      oldestMs: at ?? object.sealedMs,
      objects: 1,
    });
  }
  return sums;
}

/** What passed at this instant or later is covered. */
export function coveredFromMs({ days, nowMs }: { readonly days: number; readonly nowMs: number }): number {
  return nowMs - days * 24 * 3600_000;
}

export function addSums(a: CoverageSums, b: CoverageSums): CoverageSums {
  return {
    storedBytes: a.storedBytes + b.storedBytes,
    verifiedBytes: a.verifiedBytes + b.verifiedBytes,
    oldestMs:
      a.oldestMs === undefined || b.oldestMs === undefined
        ? (a.oldestMs ?? b.oldestMs)
        : Math.min(a.oldestMs, b.oldestMs),
    objects: a.objects + b.objects,
  };
}

/** 0 to 1; undefined where nothing is stored, which is no coverage of anything. 1 only when every byte is covered. */
export function coverage({ storedBytes, verifiedBytes }: CoverageSums): number | undefined {
  return storedBytes === 0 ? undefined : verifiedBytes / storedBytes;
}

/** Whole percent, never rounded up to 100. */
export function coveragePercent(share: number): number {
  return share >= 1 ? 100 : Math.min(99, Math.floor(share * 100));
}
