'use client';
import { Button, type ButtonProps, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ComponentProps, ReactNode } from 'react';
import { DialogForm } from './dialog-form.client.tsx';
import type { Answer } from './post-json.ts';
import { type Send, useSending } from './use-sending.ts';

type FormTerms = Pick<ComponentProps<typeof DialogForm>, 'refusal' | 'submit' | 'color' | 'isReady' | 'children'>;

/** A button that opens a form; it closes when the server has taken what was sent, and says why when it has not. */
export function FormDialog({
  button,
  buttonName,
  size = 'compact-sm',
  icon,
  title,
  onSend,
  ...form
}: FormTerms & {
  button: ReactNode;
  /** Of a button whose words do not say what it is about. */
  buttonName?: string | undefined;
  size?: ButtonProps['size'];
  icon?: ReactNode;
  title: string;
  onSend: (send: Send, form: FormData) => Promise<Answer<unknown>>;
}): ReactNode {
  const [isOpen, dialog] = useDisclosure(false);
  const { isSending, problem, setProblem, send } = useSending();
  return (
    <>
      <Button
        variant="default"
        size={size ?? 'compact-sm'}
        leftSection={icon}
        aria-label={buttonName}
        onClick={() => {
          setProblem(null);
          dialog.open();
        }}
      >
        {button}
      </Button>
      <Modal
        opened={isOpen}
        onClose={dialog.close}
        title={title}
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <DialogForm
          {...form}
          problem={problem}
          isSending={isSending}
          onCancel={dialog.close}
          onSubmit={async (values) => {
            if ((await onSend(send, values)).ok) dialog.close();
          }}
        />
      </Modal>
    </>
  );
}
