/** How often each level looks at a vault, and how much one run reads, so that every byte has its turn in time. */

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;

export interface Rotation {
  /** Within this every stored byte is looked at once. */
  readonly periodMs: number;
  /** From one run to the next. */
  readonly everyMs: number;
}

/** Level 0: all of it at each run. */
export const LISTING: Rotation = { periodMs: DAY_MS, everyMs: DAY_MS };
/** Level 1. What was never read has its turn with the next run, four of which are in the day that new data is promised. */
export const READING: Rotation = { periodMs: 30 * DAY_MS, everyMs: 6 * HOUR_MS };
/** Level 2, of vaults whose keys the service holds. */
export const DECRYPTING: Rotation = { periodMs: 90 * DAY_MS, everyMs: DAY_MS };

/** The rotation is planned for this share of its period; the rest is for backups that it waits for and hours that were lost. */
const PLANNED_SHARE = 0.8;
/** A run takes at least so much: to start one costs as much as reading this. */
const RUN_BYTES_MIN = 4 * 1024 * 1024;

export interface DueBytes {
  readonly storedBytes: number;
  /** Never looked at on this level. */
  readonly newBytes: number;
  /** Whose time runs out before the run after this one has read them; see `dueBeforeMs`. */
  readonly dueBytes: number;
}

/** What was last looked at before this instant cannot wait for a later run. */
export function dueBeforeMs(rotation: Rotation, nowMs: number): number {
  return nowMs - rotation.periodMs + 2 * rotation.everyMs;
}

/**
 * Bytes of one run, which takes what was never looked at first and then what was longest ago. A run may take up to one object
 * more. Following it, everything has its turn within the period even where a fifth of the runs does not take place.
 */
export function bytesOfRun(rotation: Rotation, { storedBytes, newBytes, dueBytes }: DueBytes): number {
  const runs = Math.max(1, Math.floor((rotation.periodMs * PLANNED_SHARE) / rotation.everyMs));
  const share = Math.max(Math.ceil(storedBytes / runs), Math.min(storedBytes, RUN_BYTES_MIN));
  return Math.min(storedBytes, newBytes + Math.max(share, dueBytes));
}

/** The first run of a vault: vaults are spread over the interval, so that a fleet is not read in one hour. `spread` is 0 to 1. */
export function firstRunMs(rotation: Rotation, nowMs: number, spread: number): number {
  return nowMs + Math.floor(rotation.everyMs * spread);
}

/** The next run after one that was due then: in step with it, but never a row of runs for those that were missed. */
export function nextRunMs(rotation: Rotation, dueMs: number, nowMs: number): number {
  const missed = Math.max(0, Math.floor((nowMs - dueMs) / rotation.everyMs));
  return dueMs + (missed + 1) * rotation.everyMs;
}
