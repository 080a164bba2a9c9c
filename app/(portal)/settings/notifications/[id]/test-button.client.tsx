'use client';
import { Button } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import type { DeliveryView } from '../../../../../server/delivery/view.ts';
import { Notice } from '../../../../_ui/notice.tsx';
import { getJson, postJson } from '../../../../_ui/post-json.ts';
import classes from '../notifications.module.css';

const LOOK_MS = 700;
/** Longer than a mail server may take; then the log has the end of it. */
const LOOKS_MAX = 90;

type Shown = {
  readonly tone: 'calm' | 'warn';
  readonly title: string;
  readonly text: string;
  readonly answer: string | null;
};

/** Sends a test and waits for the true answer of the other side. */
export function TestButton({ channelId }: { channelId: string }): ReactNode {
  const router = useRouter();
  const [isWaiting, setWaiting] = useState(false);
  const [shown, setShown] = useState<Shown | null>(null);

  const run = async (): Promise<void> => {
    setWaiting(true);
    setShown(null);
    setShown(await tryIt(channelId));
    setWaiting(false);
    router.refresh();
  };
  return (
    <div className="hf-stack">
      <div>
        <Button variant="default" leftSection={<IconSend size={16} />} loading={isWaiting} onClick={() => void run()}>
          Send a test
        </Button>
      </div>
      <div aria-live="polite">
        {isWaiting && <p className="hf-quiet">Waiting for the answer…</p>}
        {shown !== null && (
          <Notice tone={shown.tone} title={shown.title}>
            {shown.text}
            {shown.answer !== null && <pre className={classes.answer}>{shown.answer}</pre>}
          </Notice>
        )}
      </div>
    </div>
  );
}

async function tryIt(channelId: string): Promise<Shown> {
  const asked = await postJson<{ deliveryId: string }>(`/api/notification-channels/${channelId}/test`, {});
  if (!asked.ok) return { tone: 'warn', title: 'The test was not sent', text: asked.message, answer: null };
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const seen = await getJson<DeliveryView>(`/api/deliveries/${asked.value.deliveryId}`);
    if (!seen.ok) return { tone: 'warn', title: 'The answer could not be read', text: seen.message, answer: null };
    const { state, reason, response } = seen.value;
    const answer = response === null || response === '' ? null : response;
    if (state === 'sent')
      return {
        tone: 'calm',
        title: 'It arrived',
        text: 'The other side answered:',
        answer: answer ?? 'nothing, and that is enough',
      };
    if (state === 'failed' || state === 'skipped')
      return { tone: 'warn', title: 'It did not arrive', text: reason ?? '', answer };
  }
  return {
    tone: 'warn',
    title: 'There is no answer yet',
    text: 'The workers have not sent it. Look at the queue “Messages”; what became of it will stand in the delivery log.',
    answer: null,
  };
}
