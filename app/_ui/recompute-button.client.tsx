'use client';
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactNode, useState } from 'react';
import { postJson } from './post-json.ts';
import { figureName } from '../../core/domain/sla/sla-words.ts';

/** Has a closed month computed from its rows once more, and says whether it comes to the same. */
export function RecomputeButton({ customerId, month }: { customerId: string; month: string }): ReactNode {
  const [isSending, setSending] = useState(false);
  const send = async (): Promise<void> => {
    setSending(true);
    const answer = await postJson<{ changes: { figure: string }[] }>(`/api/customers/${customerId}/sla/recompute`, {
      month,
    });
    setSending(false);
    if (!answer.ok) {
      notifications.show({ title: 'Not done', message: answer.message, color: 'red' });
      return;
    }
    const names = answer.value.changes.map(({ figure }) => figureName(figure, new Map()));
    notifications.show({
      title:
        names.length === 0
          ? 'The rows give the same figures as at the close'
          : 'The rows give other figures than at the close',
      message: names.length === 0 ? 'Nothing was changed.' : `${names.join(', ')}. Each is listed as an amendment.`,
      color: 'harbour',
      autoClose: 20_000,
    });
  };
  return (
    <Button variant="default" size="compact-sm" loading={isSending} onClick={() => void send()}>
      Compute it again
    </Button>
  );
}
