'use client';
import { Button, type ButtonProps, Group, Textarea, type TextareaProps } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import { Notice } from './notice.tsx';

/** What is inside a dialog that sends something: why it was refused, the fields, and the two ways out. */
export function DialogForm({
  problem,
  refusal = 'Nothing was changed',
  submit,
  color,
  isSending = false,
  isReady = true,
  onCancel,
  onSubmit,
  children,
}: {
  problem: string | null;
  refusal?: string;
  submit: string;
  color?: ButtonProps['color'] | undefined;
  isSending?: boolean;
  isReady?: boolean;
  onCancel: () => void;
  onSubmit: (form: FormData) => Promise<void>;
  children: ReactNode;
}): ReactNode {
  return (
    <form
      onSubmit={(event: FormEvent<HTMLFormElement>) => {
        event.preventDefault();
        void onSubmit(new FormData(event.currentTarget));
      }}
    >
      {problem !== null && (
        <Notice tone="warn" title={refusal}>
          {problem}
        </Notice>
      )}
      {children}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button type="submit" loading={isSending} disabled={!isReady} {...(color === undefined ? {} : { color })}>
          {submit}
        </Button>
      </Group>
    </form>
  );
}

/** Where a person gives a reason, a remark or a remedy. */
export function WordsField(terms: TextareaProps): ReactNode {
  return <Textarea withAsterisk={false} autosize minRows={2} maxRows={10} maxLength={1000} mt="md" {...terms} />;
}

/** A text field's value; a file, which these forms have none of, counts as nothing. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}
