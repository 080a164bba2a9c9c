/** How a day with several expected backups shows in a bar. What became of each is fixed; this is a matter of the view alone. */
import type { OccurrenceOutcome } from '../outcome.ts';

/** `each`: a cell for each expected backup. `mixed`: the outcome that all share, or a warning where they differ. */
export const DAY_RULES = ['each', 'worst', 'last', 'best', 'mixed'] as const;
export type DayRule = (typeof DAY_RULES)[number];

export function readDayRule(text: string | null | undefined): DayRule {
  return DAY_RULES.find((rule) => rule === text) ?? 'each';
}

/** An excuse is shown only where nothing else is. */
const WORST_FIRST: readonly OccurrenceOutcome[] = ['failed', 'missed', 'stuck', 'partial', 'late', 'ok', 'excused'];
const BEST_FIRST: readonly OccurrenceOutcome[] = ['ok', 'late', 'partial', 'stuck', 'missed', 'failed', 'excused'];

/**
 * What a day shows of its decided outcomes, which come in their order.
 * @returns undefined for a day without any.
 */
export function dayOutcome(
  outcomes: readonly OccurrenceOutcome[],
  rule: Exclude<DayRule, 'each'>,
): OccurrenceOutcome | 'mixed' | undefined {
  const counted = outcomes.filter((outcome) => outcome !== 'excused');
  const asked = counted.length === 0 ? outcomes : counted;
  switch (rule) {
    case 'worst':
      return WORST_FIRST.find((outcome) => asked.includes(outcome));
    case 'best':
      return BEST_FIRST.find((outcome) => asked.includes(outcome));
    case 'last':
      return asked.at(-1);
    case 'mixed':
      return new Set(asked).size > 1 ? 'mixed' : asked[0];
  }
}
