/** The sentences of a report that are not about a service level: what restore tests have shown, in the words of whoever pays. */
import type { DrillCheck } from '../drill-checks.ts';
import { DRILL_CHECK_KINDS } from '../drill-checks.ts';
import { formatCount, formatCountOf, formatDuration, formatElapsed } from '../format.ts';
import type { SemanticRpo } from '../sla/semantic-rpo.ts';
import type { RestoreAsker, RestoreFigures, RestoreState } from '../sla/restore-service.ts';
import type { ReportDayState } from './month-report.ts';

const LEVEL_CLAIMS: Readonly<Record<number, string>> = {
  3: 'restored files were compared with what the machine had read',
  4: 'what was restored was opened by its own application',
  5: 'a whole system was started from its backup, or put to work',
};
/** A cell of a table: whoever wants all of it opens the test. */
const NOTE_CHARS_MAX = 300;
const LOOKS_SHOWN = 2;

export interface DrillNoteFacts {
  readonly state: 'passed' | 'failed' | 'void';
  readonly checks: readonly Pick<DrillCheck, 'kind' | 'name' | 'state'>[];
  readonly filesMatched: number;
  readonly filesPlanned: number;
  readonly message: string | null;
  readonly remedy: string | null;
}

/** What a restore test has seen, or why it failed, and what was done about it. */
export function drillNote(facts: DrillNoteFacts): string {
  const { state, message, remedy } = facts;
  const said =
    state === 'void'
      ? (message ?? 'It could not be carried out; this says nothing about the data.')
      : state === 'failed'
        ? failureWords(facts)
        : passWords(facts);
  const whole = state === 'failed' && remedy !== null ? `${said} Done about it: ${remedy}` : said;
  return whole.length <= NOTE_CHARS_MAX ? whole : `${whole.slice(0, NOTE_CHARS_MAX - 1).trimEnd()}…`;
}

function failureWords({ message, checks, filesMatched, filesPlanned }: DrillNoteFacts): string {
  const failed = checks.filter((check) => check.state === 'failed').map(({ name }) => name);
  if (failed.length > 0) return `Not as expected: ${failed.slice(0, LOOKS_SHOWN).join('; ')}.`;
  if (message !== null) return message;
  return `${formatCount(filesPlanned - filesMatched)} of ${formatCountOf(filesPlanned, 'file')} did not come back as they were.`;
}

function passWords({ checks, filesMatched }: DrillNoteFacts): string {
  const deeper = checks.filter(({ kind, state }) => DRILL_CHECK_KINDS[kind] >= 4 && state === 'passed');
  const files = filesMatched === 0 ? [] : [`${formatCountOf(filesMatched, 'file')} compared`];
  const looks = deeper.slice(0, LOOKS_SHOWN).map(({ name }) => name);
  const more = deeper.length - looks.length;
  const parts = [...files, ...looks, ...(more > 0 ? [`${formatCount(more)} more looks`] : [])];
  return parts.length === 0 ? 'As expected.' : `${parts.join('; ')}.`;
}

/** How often data was older than agreed. A month without a measurement has kept nothing: it says that nothing is known. */
export function breachSentence({
  shown,
  total,
  days,
}: {
  readonly shown: number;
  readonly total: number;
  readonly days: readonly { readonly state: ReportDayState }[];
}): string {
  if (total > 0) {
    const listed = total > shown ? ` The ${shown} longest are listed.` : '';
    return `${total === 1 ? 'Once' : formatCountOf(total, 'time')} the newest backup of a system was older than its target. Until the next backup, a loss would have cost more than agreed.${listed}`;
  }
  const daysIn = (state: ReportDayState): number => days.filter((day) => day.state === state).length;
  if (daysIn('within') === 0)
    return daysIn('excused') === 0
      ? 'Nothing was measured, so nothing is known about it.'
      : 'All of the time that was measured is excused.';
  const unknown = daysIn('unknown');
  if (unknown === 0) return 'At no time was the newest backup of a system older than its target.';
  return `In the time that was measured the newest backup of a system was never older than its target. ${formatCountOf(unknown, 'day')} ${unknown === 1 ? 'was' : 'were'} not measured.`;
}

/** The second sentence of page one: what was proven, and what was not. */
export function proofSentence(
  drills: readonly { readonly result: 'passed' | 'failed' | 'void'; readonly level: number }[],
  drilled: { readonly met: number; readonly of: number },
): string {
  const passed = drills.filter(({ result }) => result === 'passed');
  const failed = drills.filter(({ result }) => result === 'failed').length;
  const verdicts = passed.length + failed;
  const inTime =
    drilled.of === 0
      ? ''
      : drilled.met === drilled.of
        ? ` ${drilled.of === 1 ? 'The system is' : `All ${formatCount(drilled.of)} systems are`} tested as often and as deeply as agreed.`
        : ` ${formatCount(drilled.met)} of ${formatCountOf(drilled.of, 'system')} ${drilled.met === 1 ? 'is' : 'are'} tested as often and as deeply as agreed.`;
  if (verdicts === 0) return `No restore test reached a verdict in this month: nothing new is proven.${inTime}`;
  const deepest = Math.max(0, ...passed.map(({ level }) => level));
  const claim = LEVEL_CLAIMS[deepest];
  const made = `${formatCount(passed.length)} of ${formatCountOf(verdicts, 'restore test')} passed`;
  const depth = claim === undefined ? '' : `, the deepest at level ${deepest}: ${claim}`;
  return `${made}${depth}.${failed === 0 ? '' : ` ${formatCount(failed)} failed.`}${inTime}`;
}

/** How restores that people asked for were served; each figure with the number it was computed from. */
export function restoreSentence(figures: RestoreFigures | null): string {
  if (figures === null) return 'How restores were served was not measured in this month.';
  const { delivered, failed, selfServed, atMachine } = figures;
  if (failed.of === 0) return 'Nobody asked for a restore that ended in this month.';
  const times =
    delivered.p50Ms === null || delivered.p95Ms === null
      ? ''
      : delivered.of === 1
        ? `, ${formatElapsed(delivered.p50Ms)} after the request`
        : `: half of them within ${formatElapsed(delivered.p50Ms)} of the request, 19 of 20 within ${formatElapsed(delivered.p95Ms)}`;
  const said = `${formatCount(delivered.of)} of ${formatCountOf(failed.of, 'restore')} ${delivered.of === 1 ? 'was' : 'were'} delivered${times}`;
  const failures = failed.met === 0 ? 'None failed' : `${formatCount(failed.met)} failed`;
  const own =
    selfServed.of === 0
      ? ''
      : ` ${formatCount(selfServed.met)} of ${formatCount(selfServed.of)} ${selfServed.met === 1 ? 'was' : 'were'} asked for by the customer’s own people.`;
  const machine =
    atMachine === 0
      ? ''
      : ` ${formatCount(atMachine)} more ${atMachine === 1 ? 'was' : 'were'} begun at the machine itself.`;
  return `${said}. ${failures}.${own}${machine}`;
}

/** How far the contents of restored databases were behind their backups; empty where no database was tested. */
export function semanticSentence(semantic: SemanticRpo | null): string {
  if (semantic === null || semantic.of + semantic.unknown === 0) return '';
  const { of, unknown, worst, medianMs } = semantic;
  if (worst === null || medianMs === null)
    return `How new the entries inside the restored databases were is not measured: no time column is named for them.`;
  const blind = unknown === 0 ? '' : `; ${formatCountOf(unknown, 'test')} found no time`;
  return `Inside the restored databases the newest entry was at most ${formatDuration(worst.behindMs)} older than the backup, in half of the tests at most ${formatDuration(medianMs)} (n = ${formatCount(of)}${blind}).`;
}

export const RESTORE_ASKERS: Readonly<Record<RestoreAsker, string>> = {
  customer: 'the customer',
  provider: 'the provider',
  machine: 'at the machine',
};
export const RESTORE_ENDS: Readonly<Record<RestoreState, string>> = {
  open: 'under way',
  delivered: 'delivered',
  failed: 'failed',
  abandoned: 'failed: not heard of again',
  cancelled: 'stopped by whoever asked',
  unknown: 'not known',
};
export const RESTORE_WAYS: Readonly<Record<'download' | 'machine', string>> = {
  download: 'download',
  machine: 'on the machine',
};
