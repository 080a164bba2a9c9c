import { IconCheck, IconMinus, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './phase-steps.module.css';

export interface PhaseStep {
  readonly key: string;
  readonly name: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'skipped';
  /** What this step does, or what it found. */
  readonly note?: ReactNode;
  readonly time?: string | null;
}

const STATE_WORDS = { waiting: 'waiting', running: 'running', done: 'done', failed: 'failed', skipped: 'skipped' };

/** Steps of a run or drill, one under another, each with its state in shape and words. */
export function PhaseSteps({ steps, label }: { steps: readonly PhaseStep[]; label: string }): ReactNode {
  return (
    <ol className={classes.steps} aria-label={label}>
      {steps.map((step) => (
        <li key={step.key} className={classes.step} data-state={step.state}>
          <span className={classes.mark} aria-hidden="true">
            {step.state === 'done' && <IconCheck size={13} stroke={3} />}
            {step.state === 'failed' && <IconX size={13} stroke={3} />}
            {step.state === 'skipped' && <IconMinus size={13} stroke={3} />}
          </span>
          <span className={classes.text}>
            <span className={classes.name}>
              {step.name}
              <span className="hf-visually-hidden"> ({STATE_WORDS[step.state]})</span>
            </span>
            {step.note !== undefined && step.note !== null && <span className={classes.note}>{step.note}</span>}
          </span>
          {step.time !== undefined && step.time !== null && <span className={classes.time}>{step.time}</span>}
        </li>
      ))}
    </ol>
  );
}
