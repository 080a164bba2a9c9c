/**
 * Does a day of backups lie far from the four weeks before it (metrics, 19), and does it look as if files had been encrypted?
 * Pure, over figures of signed manifests: an agent that was taken over would not tell.
 */

/** One day of a source. */
export interface DayFigures {
  /** Days since some fixed day, so that gaps are seen. */
  readonly day: number;
  /** New bytes as they were stored: compressed and encrypted, what was there already left out. */
  readonly storedBytes: number;
  /** The same before compression; null where an older backup did not say. */
  readonly addedBytes: number | null;
  readonly files: number;
  readonly bytes: number;
}

export const GROWTH_TIMES = {
  /** Days that a day is compared with. */
  comparedDays: 28,
  /** Fewer say nothing about what is usual. */
  daysMin: 7,
} as const;

/** Days with less new data than this are alike, whatever their ratios are. */
const NOISE_BYTES = 16_000_000;
/** A file system without any change has a spread of nothing: a spread below this share of the median is taken for this. */
const SPREAD_SHARE_MIN = 0.05;

export interface GrowthSignal {
  readonly name: 'new data' | 'compression' | 'share of new data' | 'number of files';
  readonly z: number;
}

export function medianOf(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Distance from the median in robust standard deviations: 1.4826 MAD estimates one where the values are normal. */
export function robustZ(value: number, former: readonly number[], spreadMin = 0): number {
  const middle = medianOf(former);
  const mad = medianOf(former.map((one) => Math.abs(one - middle)));
  const spread = Math.max(1.4826 * mad, spreadMin);
  if (value === middle) return 0;
  return spread === 0 ? Math.sign(value - middle) * Number.POSITIVE_INFINITY : (value - middle) / spread;
}

/** How far the newest day lies from the others, signal by signal; empty while too few days are known. */
export function growthSignals(today: DayFigures, former: readonly DayFigures[]): GrowthSignal[] {
  const compared = former.filter(({ day }) => day < today.day && today.day - day <= GROWTH_TIMES.comparedDays);
  if (compared.length < GROWTH_TIMES.daysMin) return [];
  const floorOf = (values: readonly number[], least: number): number =>
    Math.max(Math.abs(medianOf(values)) * SPREAD_SHARE_MIN, least);
  const signal = (
    name: GrowthSignal['name'],
    of: (figures: DayFigures) => number | null,
    least: number,
    isUpwardOnly = false,
  ): GrowthSignal[] => {
    const value = of(today);
    const values = compared.flatMap((one) => of(one) ?? []);
    if (value === null || values.length < GROWTH_TIMES.daysMin) return [];
    const z = robustZ(value, values, floorOf(values, least));
    // A quiet day is no growth; and a day that is not over yet has brought less than a whole one.
    return [{ name, z: isUpwardOnly ? Math.max(0, z) : z }];
  };
  return [
    ...signal('new data', ({ storedBytes }) => storedBytes, NOISE_BYTES, true),
    // Ratios of next to nothing jump about: they count where a day brought something.
    ...(today.storedBytes < NOISE_BYTES
      ? []
      : [
          ...signal('compression', compressionOf, 0.05),
          ...signal('share of new data', ({ addedBytes, bytes }) => shareOf(addedBytes, bytes), 0.02, true),
        ]),
    ...signal('number of files', ({ files }) => files, 20),
  ];
}

export interface GrowthLimits {
  readonly alone: number;
  readonly together: number;
}

/** Two signals that are far out, or one that is very far out. */
export function isGrowthUnusual(signals: readonly GrowthSignal[], { alone, together }: GrowthLimits): boolean {
  const distances = signals.map(({ z }) => Math.abs(z));
  return distances.some((z) => z > alone) || distances.filter((z) => z > together).length >= 2;
}

/** Encrypted data does not compress: what is stored is as long as what was read, to within what the format adds. */
const INCOMPRESSIBLE = 0.97;
/** Data that usually shrinks to at most this share cannot stop doing so by chance. */
const USUALLY_COMPRESSES = 0.85;
/** Share of the whole source that is new in one day. A new video collection is incompressible as well, but adds files. */
const MASS_CHANGE_SHARE = 0.2;

/** Does the newest day look like mass encryption? A sentence about it; undefined when it does not. */
export function ransomwareSign(today: DayFigures, former: readonly DayFigures[]): string | undefined {
  const compared = former.filter(({ day }) => day < today.day && today.day - day <= GROWTH_TIMES.comparedDays);
  const compression = compressionOf(today);
  const share = shareOf(today.addedBytes, today.bytes);
  if (compression === null || share === null || today.storedBytes < NOISE_BYTES) return undefined;
  if (compared.length < GROWTH_TIMES.daysMin || compression < INCOMPRESSIBLE || share < MASS_CHANGE_SHARE)
    return undefined;
  const usual = medianOf(compared.flatMap((one) => compressionOf(one) ?? []));
  if (!(usual <= USUALLY_COMPRESSES)) return undefined;
  const files = medianOf(compared.map((one) => one.files));
  const grewByBytes = today.bytes / Math.max(1, medianOf(compared.map(({ bytes }) => bytes)));
  // Encryption writes files anew in their place: as much data as before. What only came to it is growth, not encryption.
  if (grewByBytes > 1 + MASS_CHANGE_SHARE / 2 && today.files > files) return undefined;
  return `${percent(share)} of its data is new in one day and no longer compresses (it is stored at ${percent(compression)} of its size, usually at ${percent(usual)}).`;
}

function compressionOf({ storedBytes, addedBytes }: DayFigures): number | null {
  return addedBytes === null || addedBytes <= 0 ? null : storedBytes / addedBytes;
}

function shareOf(addedBytes: number | null, bytes: number): number | null {
  return addedBytes === null || bytes <= 0 ? null : Math.min(1, addedBytes / bytes);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

const DAY_MS = 86_400_000;
/** A backup of about the same hour belongs to its own day even when it ends up to so much earlier than today's. */
const JITTER_MS = DAY_MS / 4;

export interface SealedBackup {
  readonly sealedMs: number;
  readonly storedBytes: number;
  readonly addedBytes: number | null;
  readonly files: number;
  readonly bytes: number;
}

/**
 * The backups of a source by day, counted back from now, so that each day holds the same hours: today is day 0, yesterday -1.
 * Days without a backup are left out.
 */
export function figuresByDay(backups: readonly SealedBackup[], nowMs: number): DayFigures[] {
  const byDay = Map.groupBy(backups, ({ sealedMs }) =>
    Math.min(0, -Math.floor((nowMs - sealedMs + JITTER_MS) / DAY_MS)),
  );
  return [...byDay]
    .map(([day, of]) => {
      const newest = of.reduce((a, b) => (b.sealedMs > a.sealedMs ? b : a));
      const added = of.map(({ addedBytes }) => addedBytes);
      return {
        day: day === 0 ? 0 : day,
        storedBytes: of.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
        addedBytes: added.includes(null) ? null : added.reduce<number>((sum, one) => sum + (one ?? 0), 0),
        files: newest.files,
        bytes: newest.bytes,
      };
    })
    .sort((a, b) => a.day - b.day);
}
