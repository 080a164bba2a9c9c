'use client';
import { Button, Group, NumberInput, PasswordInput, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { ChannelKind } from '../../../../core/domain/delivery/channel-kinds.ts';
import { Notice } from '../../../_ui/notice.tsx';
import {
  CHANNEL_FIELDS,
  type ChannelField,
  type FormValues,
  initialOf,
  kindChoices,
  valuesOf,
} from './channel-fields.ts';

export interface Customer {
  readonly id: string;
  readonly name: string;
}

/** Name, settings and secrets of a channel. A secret that is stored is not shown; left empty it stays. */
export function ChannelForm({
  fixed,
  isCustomer,
  customers,
  submit,
  problem,
  isSending,
  onSubmit,
  onCancel,
}: {
  /** A channel that exists; its kind stays. */
  fixed?: { kind: ChannelKind; name: string; settings: Readonly<Record<string, unknown>> };
  isCustomer: boolean;
  customers: readonly Customer[];
  submit: string;
  problem: string | null;
  isSending: boolean;
  onSubmit: (values: FormValues & { kind: ChannelKind; name: string }) => void;
  onCancel?: () => void;
}): ReactNode {
  const [kind, setKind] = useState<ChannelKind>(fixed?.kind ?? 'email');
  const [name, setName] = useState(fixed?.name ?? '');
  const fields = CHANNEL_FIELDS[kind];
  const firstOf = (of: ChannelKind): Record<string, string> =>
    Object.fromEntries(
      CHANNEL_FIELDS[of].map((field) => [field.name, initialOf(field, fixed?.settings ?? {}, customers)]),
    );
  const [typed, setTyped] = useState<Record<string, string>>(() => firstOf(kind));
  const [mistake, setMistake] = useState<string | null>(null);

  const send = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const values = valuesOf(fields, typed, customers);
    if (typeof values === 'string') return setMistake(values);
    setMistake(null);
    onSubmit({ ...values, kind, name });
  };
  const wrong = mistake ?? problem;
  return (
    <form onSubmit={send}>
      <Stack gap="md">
        {wrong !== null && (
          <Notice tone="warn" title="Nothing was saved">
            {wrong}
          </Notice>
        )}
        {fixed === undefined && (
          <Select
            label="By which way"
            data={kindChoices(isCustomer)}
            value={kind}
            onChange={(value) => {
              const next = value ?? 'email';
              setKind(next);
              setTyped(firstOf(next));
            }}
            allowDeselect={false}
          />
        )}
        <TextInput
          label="Name"
          description="As it is called in lists, such as “On-call team”."
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          required
          withAsterisk={false}
          maxLength={80}
        />
        {fields.map((field) => (
          <Field
            key={field.name}
            field={field}
            isStored={fixed !== undefined}
            value={typed[field.name] ?? ''}
            onChange={(value) => setTyped((before) => ({ ...before, [field.name]: value }))}
          />
        ))}
        <Group justify="flex-end">
          {onCancel !== undefined && (
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
          )}
          <Button type="submit" loading={isSending}>
            {submit}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Field({
  field,
  value,
  isStored,
  onChange,
}: {
  field: ChannelField;
  value: string;
  isStored: boolean;
  onChange: (value: string) => void;
}): ReactNode {
  const isNeeded = field.isOptional !== true;
  const common = {
    label: isNeeded ? field.label : `${field.label} (optional)`,
    description: field.description,
    placeholder: field.placeholder,
    withAsterisk: false,
  };
  switch (field.form) {
    case 'secret':
      return (
        <PasswordInput
          {...common}
          placeholder={isStored ? 'Stored. Leave empty to keep it.' : field.placeholder}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
          required={!isStored}
          autoComplete="off"
        />
      );
    case 'lines':
    case 'companies':
      return (
        <Textarea
          {...common}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
          required={isNeeded}
          autosize
          minRows={2}
          maxRows={10}
        />
      );
    case 'number':
      return (
        <NumberInput
          {...common}
          value={Number(value)}
          onChange={(next) => onChange(String(next))}
          min={1}
          max={60}
          required
        />
      );
    default:
      return (
        <TextInput
          {...common}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
          required={isNeeded}
        />
      );
  }
}
