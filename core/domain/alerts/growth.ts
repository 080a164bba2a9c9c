/**
 * Does a day of backups lie far from the four weeks before it (metrics, 19)? Six signals, each the distance from the median in
 * robust standard deviations, in the direction that harms. Pure, over figures of signed manifests: an agent that was taken over
 * would not tell.
 */
import type { DayFigures } from './day-figures.ts';

export const GROWTH_TIMES = {
  /** Days that a day is compared with. */
  comparedDays: 28,
  /** Fewer say nothing about what is usual. A first backup and the week after it never alarm. */
  daysMin: 7,
} as const;

/** In the order in which they are shown. */
export const GROWTH_SIGNALS = ['unique', 'changed', 'gone', 'entropy', 'known', 'stored'] as const;
export type GrowthSignalName = (typeof GROWTH_SIGNALS)[number];

/**
 * unique: new bytes a day. changed, gone: share of the files of the backup before. entropy: of new data, bits a byte. known: share of
 * what was read that the vault had (deduplication). stored: what new data was stored at, as a share of its size (compression).
 */
export interface GrowthSignal {
  readonly name: GrowthSignalName;
  readonly value: number;
  /** The median of the days that it is compared with. */
  readonly usual: number;
  /** One robust standard deviation, or the floor below which none is believed. */
  readonly spread: number;
  /** (value − usual) ÷ spread where that harms, else 0. */
  readonly z: number;
  /** At least three of the days came as far: a dump of each Sunday, a folder that has been growing for days. It does not count. */
  readonly isHabit: boolean;
}

/** A ratio of less new data than this is no figure at all. */
const RATIO_BYTES_MIN = 1_000_000;
/** Of less new data than this, and than this share of the source, no ratio is unusual. What is usual is learnt from such days too. */
const NEW_BYTES_MIN = 16_000_000;
const NEW_SHARE_MIN = 0.005;
/**
 * Floors of the spread: a source whose days are all alike has a MAD of nothing, and any change would be infinitely far. Two signals
 * alarm from four floors on, one from eight. New data: three times the usual, and 8 % of the source, and 128 MB. Files changed or
 * gone: 20 of a hundred, and 40 files. Entropy: two bits (text has 4 to 5, encrypted data 8). Ratios: 40 of a hundred.
 */
const FLOORS = {
  uniqueShareOfMedian: 0.25,
  uniqueShareOfSource: 0.01,
  uniqueBytes: NEW_BYTES_MIN,
  fileShare: 0.025,
  files: 5,
  entropyBits: 0.25,
  ratio: 0.05,
} as const;
/** How often and how nearly a distance must have been reached before to be a habit. */
const HABIT_DAYS = 3;
const HABIT_SHARE = 0.8;

export function medianOf(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median, and 1.4826 MAD, which estimates one standard deviation where values are normal; never less than the floor. */
function usualOf(values: readonly number[], floor: number): { readonly usual: number; readonly spread: number } {
  const usual = medianOf(values);
  const mad = medianOf(values.map((one) => Math.abs(one - usual)));
  return { usual, spread: Math.max(1.4826 * mad, floor) };
}

/** Distance from the median in robust standard deviations, none of them smaller than `spreadMin`. */
export function robustZ(value: number, former: readonly number[], spreadMin = 0): number {
  const { usual, spread } = usualOf(former, spreadMin);
  if (value === usual) return 0;
  return spread === 0 ? Math.sign(value - usual) * Number.POSITIVE_INFINITY : (value - usual) / spread;
}

/** A day as the signals see it, each null where it is not known. */
type Values = Readonly<Record<GrowthSignalName, number | null>>;

/** How far the newest day lies from the others, signal by signal; empty while too few days are known. */
export function growthSignals(today: DayFigures, former: readonly DayFigures[]): GrowthSignal[] {
  const days = comparedDays(today, former);
  if (days.length < GROWTH_TIMES.daysMin) return [];
  const isOfFiles = isByFiles(today, days);
  // The day before the oldest one is not known: it is taken to have been a day ago.
  const valued = [...days, today].map((day, at, all) => valuesOf(day, all[at - 1], isOfFiles));
  const now = valued.pop()!;
  const { newBytes } = newDataOf(today, isOfFiles);
  const isMuch = newBytes >= Math.max(NEW_BYTES_MIN, today.bytes * NEW_SHARE_MIN);
  return GROWTH_SIGNALS.flatMap((name): GrowthSignal[] => {
    const value = now[name];
    const values = valued.flatMap((one) => one[name] ?? []);
    if (value === null || values.length < GROWTH_TIMES.daysMin) return [];
    const { usual, spread } = usualOf(values, floorOf(name, today, values));
    const distanceOf = (one: number): number => Math.max(0, (name === 'known' ? usual - one : one - usual) / spread);
    const z = isMuch || !RATIOS.includes(name) ? distanceOf(value) : 0;
    const isHabit = z > 0 && values.filter((one) => distanceOf(one) >= z * HABIT_SHARE).length >= HABIT_DAYS;
    return [{ name, value, usual, spread, z, isHabit }];
  });
}

/** Of new data: they say nothing where there is hardly any. */
const RATIOS: readonly GrowthSignalName[] = ['entropy', 'known', 'stored'];

export interface GrowthLimits {
  readonly alone: number;
  readonly together: number;
}

/** Two signals that are far out, or one that is very far out. */
export function isGrowthUnusual(signals: readonly GrowthSignal[], limits: GrowthLimits): boolean {
  return farSignals(signals, limits).length > 0;
}

/** The signals for which a day is unusual, the farthest first; none when it is usual. */
export function farSignals(signals: readonly GrowthSignal[], { alone, together }: GrowthLimits): GrowthSignal[] {
  const counted = signals.filter(({ isHabit }) => !isHabit).sort((a, b) => b.z - a.z);
  const far = counted.filter(({ z }) => z > together);
  return far.length >= 2 ? far : counted.filter(({ z }) => z > alone);
}

/** The days before it that count, in order. */
export function comparedDays(today: DayFigures, former: readonly DayFigures[]): DayFigures[] {
  return former
    .filter(({ day }) => day < today.day && today.day - day <= GROWTH_TIMES.comparedDays)
    .sort((a, b) => a.day - b.day);
}

/** Like is compared with like: the figures of files alone once a week of days has them, until then those of everything. */
export function isByFiles(today: DayFigures, compared: readonly DayFigures[]): boolean {
  return today.changes !== null && compared.filter(({ changes }) => changes !== null).length >= GROWTH_TIMES.daysMin;
}

/** New bytes of a day before they were stored and after; 0 where it is not known. */
export function newDataOf(
  { changes, addedBytes, storedBytes }: DayFigures,
  isOfFiles: boolean,
): { readonly newBytes: number; readonly storedBytes: number } {
  if (!isOfFiles) return { newBytes: addedBytes ?? 0, storedBytes };
  return changes ?? { newBytes: 0, storedBytes: 0 };
}

/** A day after a pause has brought what came in all of its days: what grows with time is shared among them. */
function valuesOf(day: DayFigures, before: DayFigures | undefined, isOfFiles: boolean): Values {
  const days = before === undefined ? 1 : day.day - before.day;
  const { newBytes, storedBytes } = newDataOf(day, isOfFiles);
  const isSome = newBytes >= RATIO_BYTES_MIN;
  const { changes, addedBytes } = day;
  const stored = isSome ? storedBytes / newBytes : null;
  if (isOfFiles)
    return {
      unique: changes === null ? null : newBytes / days,
      changed: shareOf(changes?.files?.changed, changes?.files?.former, days),
      gone: shareOf(changes?.files?.gone, changes?.files?.former, days),
      entropy: isSome ? (changes?.entropyBits ?? null) : null,
      known: isSome && changes !== null ? 1 - newBytes / changes.readBytes : null,
      stored,
    };
  // An agent that does not say what it saw of files: what the size of the backup tells, dumps with it.
  return {
    unique: addedBytes === null ? null : addedBytes / days,
    changed: null,
    // Fewer than before: at least so many are gone.
    gone: before === undefined ? null : shareOf(Math.max(0, before.files - day.files), before.files, days),
    entropy: null,
    known: isSome && day.bytes > 0 ? Math.max(0, 1 - newBytes / day.bytes) : null,
    stored,
  };
}

function shareOf(part: number | undefined, whole: number | undefined, days: number): number | null {
  return part === undefined || whole === undefined || whole === 0 ? null : part / whole / days;
}

function floorOf(name: GrowthSignalName, { files, bytes }: DayFigures, values: readonly number[]): number {
  switch (name) {
    case 'unique':
      return Math.max(
        Math.abs(medianOf(values)) * FLOORS.uniqueShareOfMedian,
        bytes * FLOORS.uniqueShareOfSource,
        FLOORS.uniqueBytes,
      );
    case 'changed':
    case 'gone':
      return Math.max(FLOORS.fileShare, FLOORS.files / Math.max(1, files));
    case 'entropy':
      return FLOORS.entropyBits;
    case 'known':
    case 'stored':
      return FLOORS.ratio;
  }
}
