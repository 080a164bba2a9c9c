'use client';
import { Button, Group, Menu, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconChevronDown } from '@tabler/icons-react';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { ACCEPTED_BY_PEOPLE, type AlertKind, EXCUSABLE } from '../../core/domain/alerts/kinds.ts';
import type { Person } from '../../server/alerts/view.ts';
import { DialogForm, WordsField } from './dialog-form.client.tsx';
import { postJson } from './post-json.ts';

const HOUR_MS = 3_600_000;
const SNOOZES = [
  { label: 'For an hour', ms: HOUR_MS },
  { label: 'For four hours', ms: 4 * HOUR_MS },
  { label: 'Until this time tomorrow', ms: 24 * HOUR_MS },
  { label: 'For three days', ms: 72 * HOUR_MS },
  { label: 'For a week', ms: 168 * HOUR_MS },
] as const;

/** Of one request, which has a bound; a storm has more. */
const IDS_MAX = 1000;

export interface AlertTarget {
  /** What the buttons are about, for screen readers. */
  readonly name: string;
  readonly ids: readonly string[];
  readonly kinds: readonly AlertKind[];
  readonly ownerId: string | null;
  readonly isAcknowledged: boolean;
}

/** What a person may do about an alert, or all of a group. The keys of the list press these buttons: A, S, O, E. */
export function AlertActions({
  target,
  staff,
  mayApprove,
}: {
  target: AlertTarget;
  staff: readonly Person[];
  mayApprove: boolean;
}): ReactNode {
  const router = useRouter();
  const [isSending, setSending] = useState(false);
  const [asks, setAsks] = useState<'excuse' | 'accept'>('excuse');
  const [isOpen, dialog] = useDisclosure(false);
  const { ids, kinds, name, ownerId, isAcknowledged } = target;

  const send = async (body: Readonly<Record<string, unknown>>, done: string): Promise<string | null> => {
    setSending(true);
    for (let at = 0; at < ids.length; at += IDS_MAX) {
      const answer = await postJson('/api/alerts/actions', { ids: ids.slice(at, at + IDS_MAX), ...body });
      if (!answer.ok) {
        setSending(false);
        router.refresh();
        return answer.message;
      }
    }
    setSending(false);
    notifications.show({ message: done, color: 'harbour' });
    router.refresh();
    return null;
  };
  const act = (body: Readonly<Record<string, unknown>>, done: string): void =>
    void send(body, done).then((problem) => {
      if (problem !== null) notifications.show({ title: 'Not done', message: problem, color: 'red' });
    });
  const ask = (what: 'excuse' | 'accept'): void => {
    setAsks(what);
    dialog.open();
  };
  const mayExcuse = kinds.every((kind) => EXCUSABLE.includes(kind));
  const mayAccept = mayApprove && kinds.every((kind) => ACCEPTED_BY_PEOPLE.includes(kind));
  return (
    <Group gap={6} wrap="wrap">
      {!isAcknowledged && (
        <Button
          size="compact-sm"
          variant="default"
          loading={isSending}
          data-hotkey="a"
          aria-label={`Acknowledge: ${name}`}
          onClick={() => act({ action: 'acknowledge', note: null }, 'Acknowledged. It stays here until it is over.')}
        >
          Acknowledge
        </Button>
      )}
      <Menu position="bottom-end" width={216}>
        <Menu.Target>
          <Button
            size="compact-sm"
            variant="default"
            data-hotkey="s"
            aria-label={`Snooze: ${name}`}
            rightSection={<IconChevronDown size={14} aria-hidden="true" />}
          >
            Snooze
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {SNOOZES.map(({ label, ms }) => (
            <Menu.Item
              key={label}
              onClick={() => act({ action: 'snooze', forMs: ms, note: null }, 'Snoozed. It comes back by itself.')}
            >
              {label}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Menu position="bottom-end" width={216}>
        <Menu.Target>
          <Button
            size="compact-sm"
            variant="default"
            data-hotkey="o"
            aria-label={`Owner of: ${name}`}
            rightSection={<IconChevronDown size={14} aria-hidden="true" />}
          >
            {ownerId === null ? 'Assign' : 'Reassign'}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {staff.map((person) => (
            <Menu.Item
              key={person.id}
              disabled={person.id === ownerId}
              onClick={() => act({ action: 'assign', ownerId: person.id }, `Given to ${person.name}.`)}
            >
              {person.name}
            </Menu.Item>
          ))}
          {ownerId !== null && (
            <Menu.Item onClick={() => act({ action: 'assign', ownerId: null }, 'Given to nobody.')}>Nobody</Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {mayExcuse && (
        <Button
          size="compact-sm"
          variant="default"
          data-hotkey="e"
          aria-label={`Excuse: ${name}`}
          onClick={() => ask('excuse')}
        >
          Excuse…
        </Button>
      )}
      {mayAccept && (
        <Button size="compact-sm" variant="default" aria-label={`Accept: ${name}`} onClick={() => ask('accept')}>
          Accept…
        </Button>
      )}
      <ReasonDialog
        isOpen={isOpen}
        asks={asks}
        name={name}
        onClose={dialog.close}
        onSend={async (note) => {
          const done = asks === 'excuse' ? 'Excused, or asked for where it takes two.' : 'Accepted.';
          const problem = await send({ action: asks, note }, done);
          if (problem === null) dialog.close();
          return problem;
        }}
      />
    </Group>
  );
}

const EXPLAINS = {
  excuse:
    'The expected backups behind it, since the last one that came, are marked as excused: they are listed with your name and your reason, also for the customer, and count neither for nor against. Where two people have to agree, somebody else approves it first.',
  accept:
    'It is over, and kept with your name and your reason. A policy that was made weaker becomes the measure from which later changes are judged.',
} as const;

function ReasonDialog({
  isOpen,
  asks,
  name,
  onClose,
  onSend,
}: {
  isOpen: boolean;
  asks: 'excuse' | 'accept';
  name: string;
  onClose: () => void;
  onSend: (note: string) => Promise<string | null>;
}): ReactNode {
  const [note, setNote] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const verb = asks === 'excuse' ? 'Excuse' : 'Accept';
  const submit = async (): Promise<void> => {
    const failed = await onSend(note);
    setProblem(failed);
    if (failed === null) setNote('');
  };
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={`${verb}: ${name}`}
      size="lg"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <DialogForm problem={problem} submit={verb} onCancel={onClose} onSubmit={submit}>
        <p>{EXPLAINS[asks]}</p>
        <WordsField
          label="Why"
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
          required
          data-autofocus
        />
      </DialogForm>
    </Modal>
  );
}
