'use client';
import { Radio, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { Notice } from '../../../_ui/notice.tsx';
import classes from './enrol-form.module.css';

export type Custody = 'escrowed' | 'customer_held';

const CHOICE = { description: classes.choice ?? '' };

/** What each choice means, said before it is made: it holds for the life of the vault. */
const CHOICES: readonly { value: Custody; label: string; facts: readonly { name: string; words: string }[] }[] = [
  {
    value: 'escrowed',
    label: 'The service holds a key too',
    facts: [
      {
        name: 'Tested',
        words: 'everything: files are compared, databases are loaded, and stored data is opened and checked.',
      },
      { name: 'Restored by', words: 'you from this portal, the machine itself, and whoever has the recovery kit.' },
      { name: 'If the machine and the kit are lost', words: 'you can still restore.' },
    ],
  },
  {
    value: 'customer_held',
    label: 'Only the customer holds the keys',
    facts: [
      {
        name: 'Tested',
        words:
          'samples of files, by the machine itself (level 3). Databases are not opened, and stored data is read and compared with its names but never opened.',
      },
      { name: 'Restored by', words: 'the machine itself, and whoever has the recovery kit. Nobody from this portal.' },
      {
        name: 'If the machine and the kit are lost',
        words: 'the backups are lost for ever. Nobody can open them, and we cannot help.',
      },
    ],
  },
];

/** Who can open the vault of the machine that is enrolled. */
export function CustodyChoice({ value, onChange }: { value: Custody; onChange: (value: Custody) => void }): ReactNode {
  return (
    <>
      <Radio.Group
        label="Who holds the keys"
        description="It is settled when the machine is enrolled and stays so: to change it, enrol the machine anew."
        value={value}
        onChange={(chosen) => onChange(chosen)}
      >
        <Stack gap="md" mt={8}>
          {CHOICES.map((choice) => (
            <Radio
              key={choice.value}
              classNames={CHOICE}
              value={choice.value}
              label={choice.label}
              description={choice.facts.map(({ name, words }) => (
                <span key={name} className={classes.fact}>
                  <b>{name}:</b> {words}
                </span>
              ))}
            />
          ))}
        </Stack>
      </Radio.Group>
      {value === 'customer_held' && (
        <Notice tone="warn" title="The recovery kit is then the only way back from a lost machine">
          The agent writes it when it is enrolled. Print it and have the customer keep it somewhere else than the
          machine, before you rely on these backups.
        </Notice>
      )}
    </>
  );
}
