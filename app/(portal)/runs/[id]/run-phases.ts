import type { RunDetailView } from '../../../../server/runs/queries.ts';
import { formatCountOf, formatElapsed } from '../../../../core/domain/format.ts';
import type { PhaseStep } from '../../../_ui/phase-steps.tsx';

const AGENT_PHASES = ['scan', 'read', 'index', 'done'];

type Facts = Pick<RunDetailView, 'run' | 'manifest'>;

/** The way of this backup, from the first look at the folders to the seal, as far as it came. */
export function runPhases({ run, manifest }: Facts): PhaseStep[] {
  const hasEnded = run.state === 'failed' || run.state === 'aborted';
  const isCommitted = manifest !== null || run.committedMs !== null;
  const agentPhase = run.progress?.kind === 'agent' ? AGENT_PHASES.indexOf(run.progress.phase) : 0;
  /** How many of the five steps are behind us; the next one is where it stands or where it stopped. */
  const done = run.state === 'sealed' ? 5 : isCommitted ? 4 : Math.min(agentPhase, 3);
  const stateOf = (step: number): PhaseStep['state'] => {
    if (step < done) return 'done';
    if (step > done) return hasEnded ? 'skipped' : 'waiting';
    return hasEnded ? 'failed' : 'running';
  };
  const sealMs = run.finishedMs !== null && run.committedMs !== null ? run.finishedMs - run.committedMs : null;
  return [
    { key: 'scan', name: 'Look through the folders', state: stateOf(0) },
    {
      key: 'read',
      name: 'Read, encrypt and upload what is new',
      state: stateOf(1),
      ...(manifest === null ? {} : { note: `${formatCountOf(manifest.objects, 'object')} uploaded` }),
    },
    { key: 'index', name: 'Store index and snapshot', state: stateOf(2) },
    {
      key: 'commit',
      name: 'Hand over the signed manifest',
      state: stateOf(3),
      time: run.committedMs === null ? null : formatElapsed(run.committedMs - run.startedMs),
    },
    {
      key: 'seal',
      name: 'Check every object and seal',
      state: stateOf(4),
      note: run.state === 'sealed' ? 'from here on nothing can change it' : null,
      time: run.state === 'sealed' && sealMs !== null ? formatElapsed(sealMs) : null,
    },
  ];
}
