'use client';
import { Switch } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { Panel } from '../../../../_ui/panel.tsx';
import { postJson } from '../../../../_ui/post-json.ts';

/** The owner's rule for all customers: who asks to excuse time may, or may not, approve it. */
export function ExcuseRule({ needsTwo }: { needsTwo: boolean }): ReactNode {
  const router = useRouter();
  const [isSending, setSending] = useState(false);
  const change = async (next: boolean): Promise<void> => {
    setSending(true);
    const answer = await postJson('/api/excuses/rule', { needsTwo: next });
    setSending(false);
    notifications.show(
      answer.ok
        ? { message: 'Changed for every customer.', color: 'harbour' }
        : { title: 'Nothing was changed', message: answer.message, color: 'red' },
    );
    router.refresh();
  };
  return (
    <Panel title="Excused time" note="for every customer">
      <Switch
        label="It takes two people to excuse time"
        description="Who asks for it may not approve it."
        checked={needsTwo}
        disabled={isSending}
        onChange={(event) => void change(event.currentTarget.checked)}
      />
    </Panel>
  );
}
