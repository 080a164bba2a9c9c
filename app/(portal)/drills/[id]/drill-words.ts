import { PROOF_LEVEL } from '../../../../core/domain/protection.ts';
import type { DrillDetailView } from '../../../../server/drills/queries.ts';
import { formatBytes, formatCount, formatCountOf, formatElapsed } from '../../../../core/domain/format.ts';
import type { PhaseStep } from '../../../_ui/phase-steps.tsx';

type Spoken = Pick<DrillDetailView, 'drill' | 'checks' | 'levelReached' | 'voided'>;

/** The sentence that opens a drill's page. Only `passed` speaks of a proof. */
export function drillSentence(view: Spoken): string {
  const { drill } = view;
  switch (drill.state) {
    case 'queued':
      return 'This restore drill waits for a worker.';
    case 'running':
      return drill.scope === 'full'
        ? 'The whole restore point is being restored and looked at right now.'
        : 'A sample is being restored and compared right now.';
    case 'passed':
      return passedSentence(view);
    case 'failed':
      return failedSentence(view);
    case 'void':
      return view.voided === null
        ? 'This drill could not be carried out. It says nothing about the data and is repeated.'
        : 'The verdict of this drill was withdrawn by a person. It counts neither as passed nor as failed.';
  }
}

function passedSentence({ drill, checks, levelReached }: Spoken): string {
  const files = drill.filesPlanned === 1 ? 'one file' : `all ${formatCount(drill.filesPlanned)} files`;
  const what = drill.scope === 'full' ? files : `${files} of the sample`;
  const base = `The restore works: ${what} came back as they were, ${formatBytes(drill.bytesDone)}`;
  const reached = levelReached ?? 0;
  if (reached < drill.level)
    return reached < PROOF_LEVEL
      ? `${base}, but level ${drill.level} was not reached.`
      : `${base}; ${drill.level > 4 ? 'the whole system was not tested' : 'there was nothing to open'}, so level ${drill.level} was not reached.`;
  const warnings = checks.filter(({ state }) => state === 'warning').length;
  if (reached > PROOF_LEVEL)
    return `${base}, and ${reached > 4 ? 'the test of the whole system passed' : 'what was opened is as expected'}${warnings > 0 ? `, with ${formatCountOf(warnings, 'thing')} to look at` : ''}.`;
  return `${base}.`;
}

function failedSentence({ drill, checks }: Spoken): string {
  const failed = checks.filter(({ state, kind }) => state === 'failed' && kind !== 'witness').length;
  if (drill.filesPlanned > drill.filesMatched && drill.filesDone > 0)
    return `The restore is not trustworthy: ${formatCountOf(drill.filesPlanned - drill.filesMatched, 'file')} did not come back as they were.`;
  if (failed > 0)
    return `The files came back, but ${failed === 1 ? 'one look at what is in them' : `${formatCount(failed)} looks at what is in them`} failed.`;
  return 'The restore failed before files could be compared.';
}

const STEP_STATES: Readonly<Record<string, PhaseStep['state']>> = {
  waiting: 'waiting',
  queued: 'waiting',
  running: 'running',
  done: 'done',
  passed: 'done',
  failed: 'failed',
  void: 'failed',
  skipped: 'skipped',
};

export function drillSteps(steps: DrillDetailView['steps']): PhaseStep[] {
  return steps.map((step, at) => ({
    key: `${at}-${step.name}`,
    name: step.name,
    // A word that is not known here is never shown as done.
    state: STEP_STATES[step.state] ?? 'waiting',
    note: step.note ?? null,
    time: step.startedMs == null || step.finishedMs == null ? null : formatElapsed(step.finishedMs - step.startedMs),
  }));
}
