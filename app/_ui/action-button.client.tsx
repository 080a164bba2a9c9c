'use client';
import { Button, type ButtonProps } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { postJson } from './post-json.ts';

/**
 * A button that asks the server for one thing and says what came of it. `isBusyAlready` shows that the same thing is
 * running now, so that nobody asks twice.
 */
export function ActionButton({
  path,
  body = {},
  children,
  done,
  icon,
  variant = 'default',
  isBusyAlready = false,
}: {
  path: string;
  body?: Readonly<Record<string, unknown>>;
  children: ReactNode;
  /** Said when the server accepted it. */
  done: string;
  icon?: ReactNode;
  variant?: ButtonProps['variant'];
  isBusyAlready?: boolean;
}): ReactNode {
  const router = useRouter();
  const [isSending, setSending] = useState(false);
  const send = async (): Promise<void> => {
    setSending(true);
    const answer = await postJson(path, body);
    setSending(false);
    notifications.show(
      answer.ok ? { message: done, color: 'harbour' } : { title: 'Not done', message: answer.message, color: 'red' },
    );
    router.refresh();
  };
  return (
    <Button
      variant={variant ?? 'default'}
      leftSection={icon}
      loading={isSending}
      disabled={isBusyAlready}
      onClick={() => void send()}
    >
      {children}
    </Button>
  );
}
