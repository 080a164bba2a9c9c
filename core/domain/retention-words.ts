import { formatCountOf } from './format.ts';
import type { RetentionTerms } from './policy.ts';

const PERIODS = [
  ['hourly', 'hour'],
  ['daily', 'day'],
  ['weekly', 'week'],
  ['monthly', 'month'],
  ['yearly', 'year'],
] as const;

/** "all of the last 14 days, one a day for 30 days, one a month for 12 months"; without terms "everything". */
export function retentionWords(terms: RetentionTerms | undefined): string {
  if (terms === undefined) return 'everything';
  const { last, withinDays } = terms;
  const periods = PERIODS.flatMap(([name, one]) => {
    const count = terms[name];
    return count === undefined ? [] : [`one ${one === 'hour' ? 'an' : 'a'} ${one} for ${formatCountOf(count, one)}`];
  });
  return [
    ...(withinDays === undefined ? [] : [`all of the last ${formatCountOf(withinDays, 'day')}`]),
    ...(last === undefined ? [] : [last === 1 ? 'the newest' : `the newest ${last}`]),
    ...periods,
  ].join(', ');
}
