'use client';
import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import type { ChannelKind } from '../../../../../core/domain/delivery/channel-kinds.ts';
import { postJson } from '../../../../_ui/post-json.ts';
import { SecretOnce } from '../add-channel.client.tsx';
import { ChannelForm, type Customer } from '../channel-form.client.tsx';
import classes from '../notifications.module.css';

interface Known {
  readonly id: string;
  readonly kind: ChannelKind;
  readonly name: string;
  readonly version: number;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly isOff: boolean;
}

/** Everything about a channel but what is told through it. */
export function ChannelSettings({
  channel,
  isCustomer,
  customers,
}: {
  channel: Known;
  isCustomer: boolean;
  customers: readonly Customer[];
}): ReactNode {
  const router = useRouter();
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const path = `/api/notification-channels/${channel.id}`;
  return (
    <ChannelForm
      key={channel.version}
      fixed={channel}
      isCustomer={isCustomer}
      customers={customers}
      submit="Save"
      problem={problem}
      isSending={isSending}
      onSubmit={({ name, settings, secrets }) =>
        void (async () => {
          setSending(true);
          const hasSecrets = Object.keys(secrets).length > 0;
          const answer = await postJson(path, {
            version: channel.version,
            name,
            settings,
            ...(hasSecrets ? { secrets } : {}),
          });
          setSending(false);
          setProblem(answer.ok ? null : answer.message);
          if (!answer.ok) return;
          notifications.show({ message: 'Saved. Send a test to see whether it works.', color: 'harbour' });
          router.refresh();
        })()
      }
    />
  );
}

/** Off, on, a new secret, away: the steps after which it tells other things, or nothing. */
export function ChannelSteps({ channel }: { channel: Known }): ReactNode {
  const router = useRouter();
  const [isSure, sure] = useDisclosure(false);
  const [secret, setSecret] = useState<string | null>(null);
  const path = `/api/notification-channels/${channel.id}`;
  const say = (message: string, isGood: boolean): void =>
    void notifications.show({ message, color: isGood ? 'harbour' : 'red' });
  const set = async (state: 'on' | 'off' | 'removed', done: string): Promise<void> => {
    const answer = await postJson(`${path}/state`, { state });
    say(answer.ok ? done : answer.message, answer.ok);
    if (answer.ok && state === 'removed') router.push('/settings/notifications');
    else router.refresh();
  };
  return (
    <div className={classes.actions}>
      {channel.isOff ? (
        <Button variant="default" onClick={() => void set('on', 'Switched on.')}>
          Switch on
        </Button>
      ) : (
        <Button variant="default" onClick={() => void set('off', 'Switched off. What waited is not sent.')}>
          Switch off
        </Button>
      )}
      {channel.kind === 'webhook' && (
        <Button
          variant="default"
          onClick={() =>
            void (async () => {
              const answer = await postJson<{ signingSecret: string }>(`${path}/secret`, {});
              if (answer.ok) setSecret(answer.value.signingSecret);
              else say(answer.message, false);
            })()
          }
        >
          New signing secret
        </Button>
      )}
      <Button variant="default" color="red" onClick={sure.open}>
        Remove…
      </Button>
      <Modal
        opened={isSure}
        onClose={sure.close}
        title={`Remove ${channel.name}?`}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <p>
          It tells nobody anything from now on, what waits in it is not sent, and its secret is deleted. Its log stays
          for 90 days.
        </p>
        <div className={classes.actions} style={{ justifyContent: 'flex-end', marginTop: 16 }}>
          <Button variant="default" onClick={sure.close}>
            Keep it
          </Button>
          <Button color="red" onClick={() => void set('removed', 'Removed.')}>
            Remove it
          </Button>
        </div>
      </Modal>
      <Modal
        opened={secret !== null}
        onClose={() => setSecret(null)}
        title="The new signing secret"
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <p className="hf-quiet">The one before stays valid for 24 hours beside it.</p>
        <SecretOnce
          secret={secret ?? ''}
          onDone={() => {
            setSecret(null);
            router.refresh();
          }}
        />
      </Modal>
    </div>
  );
}
