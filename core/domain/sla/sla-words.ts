/** What the figures of a service level are called, and how one is said in a sentence. */
import { formatCount, formatDay, formatDuration } from '../format.ts';
import { OUTCOME_NAMES, type OccurrenceOutcome } from '../outcome.ts';
import { FIGURE_KEYS, type FigureKey } from './amendments.ts';
import type { CustomerFigures } from './customer-figures.ts';
import type { LampKey } from './lamps.ts';
import { percentText } from './percent-text.ts';
import type { ReadinessPart } from './readiness.ts';

type Unit = 'share' | 'count' | 'time' | 'percent';
const FIGURE_WORDS: Readonly<Record<FigureKey, { readonly name: string; readonly unit: Unit }>> = {
  attainment: { name: 'Time within the target', unit: 'share' },
  below_target: { name: 'Sources below target', unit: 'count' },
  worst: { name: 'Time within the target, worst source', unit: 'share' },
  peak: { name: 'Most that could have been lost', unit: 'time' },
  success: { name: 'Backups that succeeded', unit: 'share' },
  missed: { name: 'Backups missed', unit: 'count' },
  excused: { name: 'Backups excused', unit: 'count' },
  excused_time: { name: 'Time excused', unit: 'time' },
  restore_points: { name: 'Restore points', unit: 'count' },
  drills_passed: { name: 'Restore tests passed', unit: 'count' },
  drilled: { name: 'Sources tested in time', unit: 'share' },
  rto: { name: 'Recoveries within the target', unit: 'share' },
  restores_failed: { name: 'Restores that failed', unit: 'count' },
  restores_p95: { name: 'From request to delivered, 19 of 20 restores', unit: 'time' },
  semantic_worst: { name: 'Newest entry in a restored database, the worst test', unit: 'time' },
  credit: { name: 'Credit', unit: 'percent' },
};

const CAUSE_WORDS: Readonly<Record<string, string>> = {
  backup_sealed: 'a backup was completed',
  outcome_resolved: 'it became known what had come of an expected backup',
  point_locked: 'a restore point was found damaged',
  point_released: 'a damaged restore point was repaired',
  drill_finished: 'a restore test ended',
  drill_withdrawn: 'the verdict of a restore test was withdrawn',
  restore_ended: 'it became known how a restore had ended',
  excuse_approved: 'time was excused',
  excuse_withdrawn: 'an excuse was withdrawn',
  contract_changed: 'the contract was changed',
  recomputed: 'it was computed again',
};

export const PART_WORDS: Readonly<Record<ReadinessPart, string>> = {
  rpo: 'Data young enough',
  drills: 'Restores tested in time',
  integrity: 'Stored data read again in time',
  immutability: 'Locked against deletion',
  coverage: 'Machines covered',
};

export const LAMP_WORDS: Readonly<Record<LampKey, string>> = {
  copies: 'copies',
  media: 'media',
  offsite: 'off site',
  locked: 'locked',
  errors: 'errors',
};

/** "Time within the target"; of a tier, with its name. */
export function figureName(figure: string, tiers: ReadonlyMap<string, string>): string {
  if (isKnown(figure)) return FIGURE_WORDS[figure].name;
  const key = figure.replace(/^tier\//, '');
  return `Time within the target, ${tiers.get(key) ?? (key === '-policy' ? 'without a contract' : key)}`;
}

export function figureValue(figure: string, value: number | null): string {
  if (value === null) return 'not measured';
  switch (isKnown(figure) ? FIGURE_WORDS[figure].unit : 'share') {
    case 'share':
      return percentText(value, 2);
    case 'count':
      return formatCount(value);
    case 'time':
      return formatDuration(value);
    case 'percent':
      return `${value} %`;
  }
}

function isKnown(figure: string): figure is FigureKey {
  return (FIGURE_KEYS as readonly string[]).includes(figure);
}

export function causeWords(causes: readonly string[]): string {
  const words = causes.map((cause) => CAUSE_WORDS[cause] ?? cause);
  const text = words.join(', and ');
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/** "November 2026". */
export function monthWords(month: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'long', year: 'numeric' }).format(
    Date.parse(`${month}-01T00:00:00Z`),
  );
}

/** What led to a breach, from what was expected; and what ended it. */
export function breachWords({
  cause,
  isOpen,
}: {
  readonly cause: { readonly outcome: OccurrenceOutcome; readonly reason: string | null } | null;
  readonly isOpen: boolean;
}): { readonly cause: string; readonly remedy: string } {
  const words =
    cause === null
      ? 'No expected backup failed: a restore point was found unusable, or the target is shorter than the schedule.'
      : `The backup was ${OUTCOME_NAMES[cause.outcome]}. ${cause.reason ?? ''}`.trim();
  return { cause: words, remedy: isOpen ? 'It still goes on.' : 'The next usable backup ended it.' };
}

/** The one sentence of a month. It speaks of the worst source, and is cut, never rounded up. */
export function monthSentence(view: {
  readonly figures: CustomerFigures | null;
  readonly month: string;
  readonly isOver: boolean;
  readonly customer: { readonly timeZone: string };
  readonly sources: readonly { readonly sourceId: string; readonly name: string }[];
}): string {
  const { figures, isOver, customer } = view;
  const name = monthWords(view.month);
  if (figures === null || figures.worst === null) return `Nothing was measured in ${name}${isOver ? '' : ' yet'}.`;
  const span = isOver ? `all of ${name}` : `all of ${name} so far`;
  const worst = view.sources.find(({ sourceId }) => sourceId === figures.worst?.sourceId);
  const { share } = figures.worst;
  const first =
    share >= 1
      ? `Your data was recoverable within the target for ${span}`
      : `${figures.sources > 1 ? `On ${worst?.name ?? 'one source'}, the worst of ${figures.sources} sources, your` : 'Your'} data was recoverable within the target for ${percentText(share)} of ${name}${isOver ? '' : ' so far'}`;
  if (figures.peak === null) return `${first}.`;
  return `${first}; the worst case was ${formatDuration(figures.peak.ageMs)} on ${formatDay(figures.peak.atMs, customer.timeZone)}.`;
}
