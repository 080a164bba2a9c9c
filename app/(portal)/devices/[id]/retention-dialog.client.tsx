'use client';
import { NumberInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { RetentionTerms } from '../../../../core/domain/policy.ts';
import { FormDialog } from '../../../_ui/form-dialog.client.tsx';
import { Notice } from '../../../_ui/notice.tsx';
import classes from './protection-dialog.module.css';

const FIELDS = [
  ['withinDays', 'All of the last', 'days'],
  ['last', 'The newest', 'points'],
  ['hourly', 'One an hour, for', 'hours'],
  ['daily', 'One a day, for', 'days'],
  ['weekly', 'One a week, for', 'weeks'],
  ['monthly', 'One a month, for', 'months'],
  ['yearly', 'One a year, for', 'years'],
] as const satisfies readonly (readonly [keyof RetentionTerms, string, string])[];

/** Says which restore points a policy keeps. Nothing is removed by it, and the dialog says so. */
export function RetentionDialog({
  policyId,
  version,
  devices,
  retention,
}: {
  policyId: string;
  version: number;
  devices: number;
  retention: RetentionTerms | undefined;
}): ReactNode {
  const [terms, setTerms] = useState<RetentionTerms>(retention ?? {});
  const isEmpty = Object.values(terms).every((count) => count === undefined);
  return (
    <FormDialog
      button="Change what is kept…"
      size="xs"
      title="What is kept"
      submit={isEmpty ? 'Keep everything' : 'Save'}
      onSend={(send) =>
        send(
          `/api/policies/${policyId}/retention`,
          { version, retention: isEmpty ? null : terms },
          'Saved. No restore point was removed.',
        )
      }
    >
      <Notice tone="calm" title="Nothing is removed by this">
        This service does not remove restore points by itself yet. What is written here says which may go: when one is
        still there a week after it should be gone, the rule “Retention has stopped” calls, for {devices} device
        {devices === 1 ? '' : 's'}. Without any number everything is kept, and nothing calls.
      </Notice>
      <div className={classes.keep}>
        {FIELDS.map(([name, label, unit]) => (
          <NumberInput
            key={name}
            label={label}
            suffix={` ${unit}`}
            min={1}
            max={name === 'yearly' ? 1000 : name === 'withinDays' ? 3660 : 10_000}
            allowDecimal={false}
            value={terms[name] ?? ''}
            placeholder="not by this"
            onChange={(value) => {
              const { [name]: _, ...others } = terms;
              setTerms(typeof value === 'number' && value > 0 ? { ...others, [name]: value } : others);
            }}
          />
        ))}
      </div>
      <p className="hf-quiet">
        A point stays when any of these keeps it. The newest usable point, and the newest one that a restore test has
        proven, stay in any case. To keep fewer than before makes the policy weaker: an owner is asked to accept it.
      </p>
    </FormDialog>
  );
}
