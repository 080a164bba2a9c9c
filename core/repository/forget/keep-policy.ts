/** Which snapshots of one group are kept, and why: a pure decision, the same as restic's `forget`. */
import type { ZoneOffset } from '../format/go-text.ts';
import type { SnapshotWithId } from '../types.ts';
import { before, type KeepDuration, keepDurationText, type StoredTime, storedTime } from './keep-duration.ts';

export const KEEP_PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type KeepPeriod = (typeof KEEP_PERIODS)[number];

/** The last so many; `unlimited` keeps one of every period that there is. */
export type KeepCount = number | 'unlimited';

export interface KeepPolicy {
  readonly last?: KeepCount;
  readonly counts?: Partial<Readonly<Record<KeepPeriod, KeepCount>>>;
  /** Everything that is younger than this, seen from the newest snapshot of the group. */
  readonly within?: KeepDuration;
  /** One of every period among what is younger than this. */
  readonly withinPeriods?: Partial<Readonly<Record<KeepPeriod, KeepDuration>>>;
  /** A snapshot that has all tags of any one of these lists. */
  readonly tags?: readonly (readonly string[])[];
}

export interface KeepDecision {
  readonly snapshot: SnapshotWithId;
  /** Empty: it goes. */
  readonly reasons: readonly string[];
}

export interface DecideOptions {
  /** Snapshots from the future are no measure of what is recent. */
  readonly nowNs: bigint;
  /**
   * While a rule has not used up its number, the oldest snapshot is kept too, so that history reaches back as far as it can:
   * restic does so since 0.16. False: as older ones.
   */
  readonly keepsOldest?: boolean;
  /** The zone of this machine. */
  readonly zone?: ZoneOffset;
}

export function isEmptyPolicy({ last, counts = {}, within, withinPeriods = {}, tags = [] }: KeepPolicy): boolean {
  const hasCount = [last, ...Object.values(counts)].some((count) => count !== undefined && count !== 0);
  const hasSpan = [within, ...Object.values(withinPeriods)].some((span) => span !== undefined);
  return !hasCount && !hasSpan && tags.length === 0;
}

/** One rule that counts or spans periods; it keeps the newest snapshot of each. */
interface Rule {
  readonly periodOf: (time: StoredTime, place: number) => number;
  readonly reason: string;
  /** Instant after which it applies; undefined: always. */
  readonly afterNs: bigint | undefined;
  left: number;
  lastPeriod: number;
}

/**
 * The newest first. A policy that is empty keeps everything; so does a time that cannot be read, for nobody knows what it
 * would be worth.
 */
export function decideKeep(
  snapshots: readonly SnapshotWithId[],
  policy: KeepPolicy,
  options: DecideOptions,
): KeepDecision[] {
  const timed = snapshots.map((snapshot) => ({ snapshot, time: storedTime(snapshot.time, options.zone) }));
  const untimed = timed.filter(({ time }) => time === undefined);
  const sorted = timed
    .flatMap(({ snapshot, time }) => (time === undefined ? [] : [{ snapshot, time }]))
    .sort((a, b) => compare(b.time.ns, a.time.ns) || (a.snapshot.id < b.snapshot.id ? -1 : 1));
  const unreadable = untimed.map(({ snapshot }) => ({ snapshot, reasons: ['its time cannot be read'] }));
  if (isEmptyPolicy(policy))
    return [...sorted.map(({ snapshot }) => ({ snapshot, reasons: ['policy is empty'] })), ...unreadable];
  const newest = sorted.find(({ time }) => time.ns < options.nowNs)?.time;
  const rules = rulesOf(policy, newest);
  const decided = sorted.map(({ snapshot, time }, place) => {
    const reasons = (policy.tags ?? [])
      .filter((list) => hasTags(snapshot, list))
      .map((list) => `has tags [${list.join(', ')}]`);
    const isOldest = place === sorted.length - 1 && options.keepsOldest !== false;
    for (const rule of rules) {
      if (rule.left === 0 || (rule.afterNs !== undefined && time.ns <= rule.afterNs)) continue;
      const period = rule.periodOf(time, place);
      const isNew = period !== rule.lastPeriod;
      if (!isNew && !isOldest) continue;
      rule.lastPeriod = period;
      rule.left -= 1;
      reasons.push(isNew ? rule.reason : `oldest ${rule.reason}`);
    }
    return { snapshot, reasons };
  });
  return [...decided, ...unreadable];
}

export function hasTags({ tags = [] }: SnapshotWithId, wanted: readonly string[]): boolean {
  return wanted.every((tag) => tags.includes(tag));
}

function rulesOf(policy: KeepPolicy, newest: StoredTime | undefined): Rule[] {
  const rule = (
    periodOf: Rule['periodOf'],
    reason: string,
    count: KeepCount | undefined,
    span?: KeepDuration,
  ): Rule[] => {
    const left = count === 'unlimited' ? Number.POSITIVE_INFINITY : (count ?? 0);
    if (left <= 0) return [];
    // Without a newest one all are from the future, and none is old.
    const afterNs = span === undefined ? undefined : newest === undefined ? NEVER_NS : before(newest, span);
    return [{ periodOf, reason, afterNs, left, lastPeriod: -1 }];
  };
  const { within, withinPeriods = {}, counts = {} } = policy;
  return [
    ...(within === undefined ? [] : rule(always, `within ${keepDurationText(within)}`, 'unlimited', within)),
    ...rule(always, 'last snapshot', policy.last),
    ...KEEP_PERIODS.flatMap((name) => rule(PERIODS[name], `${name} snapshot`, counts[name])),
    ...KEEP_PERIODS.flatMap((name) => {
      const span = withinPeriods[name];
      if (span === undefined) return [];
      return rule(PERIODS[name], `${name} within ${keepDurationText(span)}`, 'unlimited', span);
    }),
  ];
}

/** Long before any snapshot. */
const NEVER_NS = -(10n ** 20n);

const always = (_: StoredTime, place: number): number => place;
const month = ({ wall }: StoredTime): number => wall.getUTCFullYear() * 12 + wall.getUTCMonth();
const day = ({ wall }: StoredTime): number => Math.floor(wall.getTime() / 86_400_000);

const PERIODS: Readonly<Record<KeepPeriod, Rule['periodOf']>> = {
  hourly: ({ wall }) => Math.floor(wall.getTime() / 3_600_000),
  daily: day,
  // ISO weeks begin on Monday; the epoch was a Thursday.
  weekly: (time) => Math.floor((day(time) + 3) / 7),
  monthly: month,
  yearly: ({ wall }) => wall.getUTCFullYear(),
};

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
