'use client';
import { Group, Select, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { textOf, WordsField } from './dialog-form.client.tsx';
import { FormDialog } from './form-dialog.client.tsx';
import classes from './sla-month.module.css';
import { WordsDialog } from './words-dialog.client.tsx';

/** Staff ask that a stretch of time shall not count, such as a move of the office. */
export function ExcuseDialog({
  customerId,
  devices,
  month,
}: {
  customerId: string;
  devices: readonly { readonly id: string; readonly name: string }[];
  month: string;
}): ReactNode {
  const [deviceId, setDeviceId] = useState<string | null>(null);
  return (
    <FormDialog
      button="Excuse time…"
      title="Excuse time"
      submit="Excuse the time"
      onSend={(send, form) =>
        send<{ isApproved: boolean }>(
          `/api/customers/${customerId}/excuses`,
          { deviceId, from: textOf(form, 'from'), until: textOf(form, 'until'), words: textOf(form, 'words') },
          ({ isApproved }) =>
            isApproved
              ? 'The time does not count; the figures follow in a moment.'
              : 'Asked for. Somebody else has to approve it.',
        )
      }
    >
      <p>
        In this time old data is no breach and a missing backup is not counted. The customer sees it with your name, the
        reason and who approved it. What could have been lost is still shown.
      </p>
      <Select
        label="Device"
        placeholder="Every device"
        data={devices.map(({ id, name }) => ({ value: id, label: name }))}
        value={deviceId}
        onChange={setDeviceId}
        clearable
        searchable
        mt="md"
      />
      <Group grow mt="md">
        {(['from', 'until'] as const).map((name) => (
          <TextInput
            key={name}
            type="datetime-local"
            name={name}
            label={name === 'from' ? 'From' : 'Until'}
            description="by the customer’s clock"
            defaultValue={`${month}-01T${name === 'from' ? '00' : '06'}:00`}
            required
            withAsterisk={false}
          />
        ))}
      </Group>
      <WordsField name="words" label="Why" description="The customer reads it." required />
    </FormDialog>
  );
}

/** Staff ask that one expected backup shall not count, from the row that says what came of it. */
export function ExcuseOccurrence({
  customerId,
  occurrenceId,
}: {
  customerId: string;
  occurrenceId: string;
}): ReactNode {
  return (
    <WordsDialog
      button="Excuse…"
      title="Excuse this backup"
      explains="It no longer counts as expected, and neither does the time until the next one was due. The customer sees it with your name, the reason and who approved it."
      label="Why"
      submit="Excuse it"
      path={`/api/customers/${customerId}/excuses`}
      body={{ occurrenceId }}
      done="Written down; it counts no more as soon as it is approved."
    />
  );
}

/** What can be done about an excuse in its state. */
export function ExcuseActions({ id, state }: { id: string; state: string }): ReactNode {
  if (state !== 'requested' && state !== 'approved') return null;
  const decision = `/api/excuses/${id}/decision`;
  return (
    <div className={classes.actions}>
      {state === 'requested' && (
        <>
          <WordsDialog
            button="Approve…"
            title="Approve the excuse"
            explains="The time no longer counts, and the customer sees that you approved it."
            label="A remark, if there is one"
            submit="Approve"
            path={decision}
            body={{ isApproved: true }}
            done="Approved; the figures follow in a moment."
            isOptional
          />
          <WordsDialog
            button="Refuse…"
            title="Refuse the excuse"
            explains="The time counts as it did."
            label="Why, if there is something to say"
            submit="Refuse"
            path={decision}
            body={{ isApproved: false }}
            done="Refused."
            isOptional
          />
        </>
      )}
      <WordsDialog
        button="Withdraw…"
        title="Withdraw the excuse"
        explains="The time counts again, as if it had never been excused. Both stay visible to the customer."
        label="Why"
        submit="Withdraw it"
        path={`/api/excuses/${id}/withdrawal`}
        done="Withdrawn; the figures follow in a moment."
      />
    </div>
  );
}
