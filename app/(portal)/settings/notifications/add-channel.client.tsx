'use client';
import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { CopyField } from '../../../_ui/copy-field.client.tsx';
import { Notice } from '../../../_ui/notice.tsx';
import { postJson } from '../../../_ui/post-json.ts';
import { ChannelForm, type Customer } from './channel-form.client.tsx';

interface Made {
  readonly channelId: string;
  readonly signingSecret?: string;
}

/** Sets up a channel and leads to it. The secret of a webhook is shown on the way, once. */
export function AddChannel({
  isCustomer,
  customers,
}: {
  isCustomer: boolean;
  customers: readonly Customer[];
}): ReactNode {
  const router = useRouter();
  const [isOpen, dialog] = useDisclosure(false);
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [made, setMade] = useState<Made | null>(null);
  const open = (to: Made): void => router.push(`/settings/notifications/${to.channelId}`);

  return (
    <>
      <Button
        leftSection={<IconPlus size={16} />}
        onClick={() => {
          setProblem(null);
          setMade(null);
          dialog.open();
        }}
      >
        Add a channel
      </Button>
      <Modal
        opened={isOpen}
        onClose={() => (made === null ? dialog.close() : open(made))}
        title={made === null ? 'Add a channel' : 'The signing secret'}
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {made === null ? (
          <ChannelForm
            isCustomer={isCustomer}
            customers={customers}
            submit="Add it"
            problem={problem}
            isSending={isSending}
            onCancel={dialog.close}
            onSubmit={(values) =>
              void (async () => {
                setSending(true);
                const answer = await postJson<Made>('/api/notification-channels', values);
                setSending(false);
                if (!answer.ok) return setProblem(answer.message);
                if (answer.value.signingSecret === undefined) open(answer.value);
                else setMade(answer.value);
              })()
            }
          />
        ) : (
          <SecretOnce secret={made.signingSecret ?? ''} onDone={() => open(made)} />
        )}
      </Modal>
    </>
  );
}

export function SecretOnce({ secret, onDone }: { secret: string; onDone: () => void }): ReactNode {
  return (
    <div style={{ display: 'grid', gap: 16 }} aria-live="polite">
      <Notice tone="warn" title="Shown only this once">
        The receiver checks with it that a request comes from here. Copy it now.
      </Notice>
      <CopyField label="Signing secret" text={secret} />
      <Button onClick={onDone}>I have copied it</Button>
    </div>
  );
}
