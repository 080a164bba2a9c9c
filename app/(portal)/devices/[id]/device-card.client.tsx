'use client';
import { NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { OwnValues } from '../../../../core/domain/fleet-filter/own-fields.ts';
import type { OwnField } from '../../../../server/fleet/view.ts';
import { FormDialog } from '../../../_ui/form-dialog.client.tsx';
import classes from './protection-dialog.module.css';

/** The note of a device and its values of the provider's own columns. Customers do not see them. */
export function DeviceCardDialog({
  deviceId,
  note: former,
  values: there,
  fields,
}: {
  deviceId: string;
  note: string;
  values: OwnValues;
  fields: readonly OwnField[];
}): ReactNode {
  const [note, setNote] = useState(former);
  const [values, setValues] = useState<OwnValues>(there);
  const set = (key: string, value: string | number | null): void => {
    const { [key]: _, ...others } = values;
    setValues(value === null || value === '' ? others : { ...others, [key]: value });
  };
  // What was written in a column that was removed meanwhile would be refused.
  const known = Object.fromEntries(Object.entries(values).filter(([key]) => fields.some((field) => field.key === key)));
  return (
    <FormDialog
      button="Note and columns…"
      title="Note and your own columns"
      submit="Save"
      onSend={(send) => send(`/api/devices/${deviceId}/card`, { note, values: known }, 'Saved.')}
    >
      <Textarea
        label="Note"
        description="For your staff; the customer does not see it."
        value={note}
        maxLength={2000}
        autosize
        minRows={3}
        maxRows={10}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      <div className={classes.keep}>
        {fields.map((field) => (
          <FieldInput
            key={field.id}
            field={field}
            value={values[field.key]}
            onChange={(value) => set(field.key, value)}
          />
        ))}
      </div>
    </FormDialog>
  );
}

function FieldInput({
  field,
  value,
  onChange,
}: {
  field: OwnField;
  value: string | number | undefined;
  onChange: (value: string | number | null) => void;
}): ReactNode {
  const { label, kind, choices } = field;
  if (kind === 'number')
    return (
      <NumberInput label={label} value={value ?? ''} max={1e12} min={-1e12} decimalScale={6} onChange={onChange} />
    );
  if (kind === 'choice')
    return (
      <Select label={label} value={String(value ?? '') || null} data={[...choices]} clearable onChange={onChange} />
    );
  return (
    <TextInput
      label={label}
      type={kind === 'date' ? 'date' : 'text'}
      value={value ?? ''}
      maxLength={kind === 'date' ? 10 : 200}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
