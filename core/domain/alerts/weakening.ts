/** What became weaker between two versions of a policy, a sentence each. Pure. Who attacks backups begins by switching them off. */
import { plansOf } from '../drill-plans.ts';
import type { BackupSchedule, PolicyDocument, RetentionTerms } from '../policy.ts';
import { longestPauseMinutes } from '../schedule.ts';

/** Empty: nothing did. `nowMs` decides whether a pause is in force, and from when a calendar is read. */
export function weakenings(before: PolicyDocument, after: PolicyDocument, nowMs: number): string[] {
  const found: string[] = [];
  const say = (isWeaker: boolean, sentence: string): void => {
    if (isWeaker) found.push(sentence);
  };
  const lostPaths = before.paths.filter((one) => !after.paths.some((path) => holds(path, one)));
  say(lostPaths.length > 0, `${list(lostPaths)} ${lostPaths.length === 1 ? 'is' : 'are'} no longer backed up.`);
  const newExcludes = after.excludes.filter((one) => !before.excludes.includes(one));
  say(newExcludes.length > 0, `More is left out: ${list(newExcludes)}.`);
  const sourcesAfter = new Set((after.sources ?? []).map(({ kind, label }) => `${kind}/${label}`));
  const lostSources = (before.sources ?? [])
    .map(({ kind, label }) => `${kind}/${label}`)
    .filter((name) => !sourcesAfter.has(name));
  say(lostSources.length > 0, `A source was removed: ${list(lostSources)}.`);
  const pauses = [pauseOf(before.schedule, nowMs), pauseOf(after.schedule, nowMs)] as const;
  say(
    pauses[1] > pauses[0],
    `Backups are made less often: up to ${hours(pauses[1])} apart instead of ${hours(pauses[0])}.`,
  );
  say(
    (after.pausedUntilMs ?? 0) > nowMs && (after.pausedUntilMs ?? 0) > (before.pausedUntilMs ?? 0),
    'The backups are paused.',
  );
  say(
    after.rpoMinutes > before.rpoMinutes,
    `The target allows older data: ${hours(after.rpoMinutes)} instead of ${hours(before.rpoMinutes)}.`,
  );
  say(
    after.rtoMinutes > before.rtoMinutes,
    `The target allows a longer restore: ${hours(after.rtoMinutes)} instead of ${hours(before.rtoMinutes)}.`,
  );
  say(
    after.partialToleranceShare > before.partialToleranceShare,
    'More may be left unread before a backup stops counting.',
  );
  found.push(...weakerDrills(before, after));
  say(keepsLess(before.retention, after.retention), 'Fewer restore points are kept.');
  say(!before.selfRestore && after.selfRestore, 'Devices may now restore without being asked for it.');
  return found;
}

/** Without terms everything is kept; of two sets of terms, each count that was there must be as large. */
function keepsLess(before: RetentionTerms | undefined, after: RetentionTerms | undefined): boolean {
  if (after === undefined) return false;
  if (before === undefined) return true;
  return KEEP_TERMS.some((term) => (after[term] ?? 0) < (before[term] ?? 0));
}
const KEEP_TERMS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly', 'withinDays'] as const;

/** Each depth that was asked for, against the shortest interval that still asks for it. */
function weakerDrills(before: PolicyDocument, after: PolicyDocument): string[] {
  const everyHours = (policy: PolicyDocument, level: number): number =>
    Math.min(
      ...plansOf(policy)
        .filter((plan) => plan.level >= level)
        .map((plan) => plan.everyHours),
    );
  return [3, 4, 5].flatMap((level) => {
    const [was, is] = [everyHours(before, level), everyHours(after, level)];
    if (is <= was) return [];
    return [
      is === Number.POSITIVE_INFINITY
        ? `Restores are no longer tested at level ${level}.`
        : `Restores are tested less often at level ${level}: every ${is} hours instead of every ${was}.`,
    ];
  });
}

function pauseOf(schedule: BackupSchedule, nowMs: number): number {
  return longestPauseMinutes(schedule, nowMs);
}

/** Is `inner` the same place as `outer`, or below it? */
function holds(outer: string, inner: string): boolean {
  const base = outer.replace(/[\\/]+$/, '');
  return (
    inner === outer ||
    inner.replace(/[\\/]+$/, '') === base ||
    inner.startsWith(`${base}/`) ||
    inner.startsWith(`${base}\\`)
  );
}

const NAMED_MAX = 5;

function list(names: readonly string[]): string {
  const more = names.length - NAMED_MAX;
  return `${names.slice(0, NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function hours(minutes: number): string {
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${Math.round(minutes % 60)} min`;
}
