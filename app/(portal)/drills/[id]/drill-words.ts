import type { DrillDetailView, DrillLine } from '../../../../server/drills/queries.ts';
import { formatBytes, formatCount, formatCountOf, formatElapsed } from '../../../_ui/format.ts';
import type { PhaseStep } from '../../../_ui/phase-steps.tsx';

/** The sentence that opens a drill's page. Only `passed` speaks of a proof. */
export function drillSentence(drill: DrillLine): string {
  switch (drill.state) {
    case 'queued':
      return 'This restore drill waits for a worker.';
    case 'running':
      return 'A sample is being restored and compared right now.';
    case 'passed':
      return `The restore works: ${drill.filesPlanned === 1 ? 'one file' : `all ${formatCount(drill.filesPlanned)} files`} of the sample came back as they were, ${formatBytes(drill.bytesDone)}.`;
    case 'failed':
      return drill.filesPlanned > drill.filesMatched && drill.filesDone > 0
        ? `The restore is not trustworthy: ${formatCountOf(drill.filesPlanned - drill.filesMatched, 'file')} did not come back as they were.`
        : 'The restore failed before files could be compared.';
    case 'void':
      return 'This drill could not be carried out. It says nothing about the data and is repeated.';
  }
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
