'use client';
import { Button, Group, Modal, Select, Stack, TagsInput, TextInput } from '@mantine/core';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { OWN_FIELD_KINDS, type OwnFieldKind, ownName } from '../../../core/domain/fleet-filter/own-fields.ts';
import type { OwnField } from '../../../server/fleet/view.ts';
import { Notice } from '../../_ui/notice.tsx';
import { postJson } from '../../_ui/post-json.ts';
import classes from './own-fields.module.css';

const KIND_WORDS: Readonly<Record<OwnFieldKind, string>> = {
  text: 'Text',
  number: 'Number',
  date: 'Date',
  choice: 'One of several words',
};

/** The provider's own columns: those that there are, one more, and away with one. Their values are written on a device's page. */
export function OwnFieldsDialog({ fields, onClose }: { fields: readonly OwnField[]; onClose: () => void }): ReactNode {
  const router = useRouter();
  const [label, setLabel] = useState('');
  const [kind, setKind] = useState<OwnFieldKind>('text');
  const [choices, setChoices] = useState<string[]>([]);
  const [removing, setRemoving] = useState<OwnField | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const send = async (path: string, body: unknown): Promise<boolean> => {
    setBusy(true);
    const answer = await postJson(path, body);
    setBusy(false);
    setProblem(answer.ok ? null : answer.message);
    if (answer.ok) router.refresh();
    return answer.ok;
  };
  const add = async (): Promise<void> => {
    if (!(await send('/api/device-fields', { id: null, label, kind, choices }))) return;
    setLabel('');
    setChoices([]);
  };
  return (
    <Modal opened onClose={onClose} title="Columns of your own" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        {problem !== null && (
          <Notice tone="warn" title="Nothing was changed">
            {problem}
          </Notice>
        )}
        {fields.length === 0 ? (
          <p className="hf-quiet">
            None yet. A column of your own stands beside the others in this list, in filters and in the CSV; what a
            device has there is written on its page.
          </p>
        ) : (
          <ul className={classes.list}>
            {fields.map((field) => (
              <li key={field.id} className={classes.field}>
                <span>
                  <b>{field.label}</b> <span className="hf-mono hf-quiet">{ownName(field.key)}</span>
                  <span className={classes.kind}>
                    {field.kind === 'choice' ? field.choices.join(', ') : KIND_WORDS[field.kind]}
                  </span>
                </span>
                {removing?.id === field.id ? (
                  <Group gap="xs">
                    <span className="hf-quiet">What devices have there is gone with it.</span>
                    <Button size="compact-sm" variant="default" onClick={() => setRemoving(null)}>
                      Keep it
                    </Button>
                    <Button
                      size="compact-sm"
                      color="red"
                      loading={isBusy}
                      onClick={() => void send(`/api/device-fields/${field.id}/removal`, {})}
                    >
                      Remove
                    </Button>
                  </Group>
                ) : (
                  <Button size="compact-sm" variant="default" onClick={() => setRemoving(field)}>
                    Remove…
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void add();
          }}
        >
          <div className={classes.form}>
            <TextInput
              label="A new column"
              placeholder="Site"
              value={label}
              maxLength={40}
              onChange={(event) => setLabel(event.currentTarget.value)}
            />
            <Select
              label="Holds"
              value={kind}
              data={OWN_FIELD_KINDS.map((one) => ({ value: one, label: KIND_WORDS[one] }))}
              onChange={(value) => setKind(OWN_FIELD_KINDS.find((one) => one === value) ?? kind)}
              allowDeselect={false}
            />
          </div>
          {kind === 'choice' && (
            <TagsInput label="Which" description="Enter after each" value={choices} onChange={setChoices} mt="sm" />
          )}
          <Group justify="flex-end" mt="md">
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
            <Button type="submit" loading={isBusy} disabled={label.trim() === ''}>
              Add the column
            </Button>
          </Group>
        </form>
      </Stack>
    </Modal>
  );
}
