/** The sentences of the page Drills. */
import type { FailedDrill } from '../../../../server/drills/list-drills.ts';
import type { DrillsView } from '../../../../server/drills/view-drills.ts';
import { formatCount, formatCountOf } from '../../../../core/domain/format.ts';

/** Is every restore proven as deep and as often as was asked? The worst first. */
export function drillsSentence({ counts, sourcesTotal }: Pick<DrillsView, 'counts' | 'sourcesTotal'>): string {
  if (sourcesTotal === 0) return 'Nothing is protected yet, so no restore was tested.';
  const { failed, never, overdue, proven } = counts;
  const asked = failed + never + overdue + proven;
  if (asked === 0) return 'No policy asks for restore tests, so nothing is proven.';
  if (proven === asked)
    return asked === 1
      ? 'The restore is proven, as deep and as often as its policy asks.'
      : `All ${formatCount(asked)} sources are proven, as deep and as often as their policies ask.`;
  const parts = [
    failed === 0 ? '' : `${formatCountOf(failed, 'source')} failed ${failed === 1 ? 'its' : 'their'} last restore test`,
    never === 0 ? '' : `${formatCountOf(never, 'source')} never reached the depth that is asked for`,
    overdue === 0
      ? ''
      : `${formatCountOf(overdue, 'source')} ${overdue === 1 ? 'was' : 'were'} not tested for too long`,
  ].filter((part) => part !== '');
  const rest =
    proven === 0
      ? 'none is proven as asked'
      : `${formatCount(proven)} of ${formatCount(asked)} ${proven === 1 ? 'is' : 'are'} proven as asked`;
  return `${parts.join(', ')}; ${rest}.`;
}

/** What to do about a failed drill, by what it found. */
export function failureAdvice({
  isDamaged,
  failedChecks,
  mismatches,
}: Pick<FailedDrill, 'isDamaged' | 'failedChecks' | 'mismatches'>): string {
  const kinds = new Set(failedChecks.map(({ kind }) => kind));
  if (isDamaged)
    return 'Stored data is damaged. The machine is asked to send it again: follow the repair under Integrity, then test again.';
  if (kinds.has('restore') || kinds.has('structure') || kinds.has('archive') || kinds.has('document'))
    return 'The copy cannot be opened. Look at how it is made on the machine (its command, its account, its version), back up again, and test that.';
  if (kinds.has('row_count') || kinds.has('freshness'))
    return 'The copy opens, but holds less or older data than before. Ask who runs the application whether that is right; if it is not, mend the source and back up again.';
  if (kinds.has('invariant'))
    return 'A rule that was declared for this database does not hold in the copy. Check the rule with who runs the application, then mend the source and back up again.';
  if (kinds.has('boot') || kinds.has('port') || kinds.has('login') || kinds.has('script'))
    return 'The restored system did not work. Look at the output of the step that failed, mend the machine, back up again, and test that.';
  if (mismatches > 0)
    return 'What came back differs from what the machine had. Back up again: the new restore point is tested as soon as it is verified.';
  return 'Look at the step at which it stopped, and test again.';
}
