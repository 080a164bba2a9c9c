'use client';
import { Button, Checkbox, Group, Menu, Modal, Stack, TextInput } from '@mantine/core';
import { IconBookmark, IconTrash, IconUsers } from '@tabler/icons-react';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { readDayRule } from '../../../core/domain/fleet-filter/day-rule.ts';
import { readColumns } from '../../../core/domain/fleet-filter/columns.ts';
import type { FleetViewLine } from '../../../server/fleet/view.ts';
import { postJson } from '../../_ui/post-json.ts';
import type { FleetAddress } from './fleet-address.ts';

/** Views that somebody has saved, one's own and shared ones; and the present one, to be saved. */
export function ViewMenu({
  views,
  address,
  onShow,
}: {
  views: readonly FleetViewLine[];
  address: FleetAddress;
  onShow: (address: FleetAddress) => void;
}): ReactNode {
  const [isSaving, setSaving] = useState(false);
  const [removing, setRemoving] = useState<FleetViewLine | null>(null);
  return (
    <>
      <Menu position="bottom-end" shadow="sm">
        <Menu.Target>
          <Button variant="default" leftSection={<IconBookmark size={15} />}>
            Views
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {views.length === 0 && <Menu.Label>No view is saved yet.</Menu.Label>}
          {views.map((view) => (
            <Menu.Item
              key={view.id}
              rightSection={view.isShared ? <IconUsers size={14} aria-label="shared" /> : undefined}
              onClick={() =>
                onShow({
                  filter: view.filter,
                  columns: readColumns(view.columns),
                  density: view.density === 'compact' ? 'compact' : 'comfortable',
                  dayRule: readDayRule(view.dayRule),
                })
              }
            >
              {view.name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item onClick={() => setSaving(true)}>Save this view…</Menu.Item>
          {views
            .filter(({ isOwn }) => isOwn)
            .map((view) => (
              <Menu.Item key={view.id} leftSection={<IconTrash size={14} />} onClick={() => setRemoving(view)}>
                Remove “{view.name}”…
              </Menu.Item>
            ))}
        </Menu.Dropdown>
      </Menu>
      {isSaving && <SaveDialog address={address} onClose={() => setSaving(false)} />}
      {removing !== null && <RemoveDialog view={removing} onClose={() => setRemoving(null)} />}
    </>
  );
}

function SaveDialog({ address, onClose }: { address: FleetAddress; onClose: () => void }): ReactNode {
  const router = useRouter();
  const [name, setName] = useState('');
  const [isShared, setShared] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const save = async (): Promise<void> => {
    setBusy(true);
    const answer = await postJson('/api/fleet-views', { id: null, name, isShared, ...address });
    setBusy(false);
    if (!answer.ok) return setProblem(answer.message);
    onClose();
    router.refresh();
  };
  return (
    <Modal opened onClose={onClose} title="Save this view">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Stack>
          <TextInput
            label="Name"
            description={address.filter === '' ? 'Every device, with these columns' : address.filter}
            value={name}
            error={problem}
            maxLength={80}
            data-autofocus
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Checkbox
            label="Show it to all of our staff"
            checked={isShared}
            onChange={(event) => setShared(event.currentTarget.checked)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={isBusy} disabled={name.trim() === ''}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function RemoveDialog({ view, onClose }: { view: FleetViewLine; onClose: () => void }): ReactNode {
  const router = useRouter();
  const [problem, setProblem] = useState<string | null>(null);
  const remove = async (): Promise<void> => {
    const answer = await postJson(`/api/fleet-views/${view.id}/removal`, {});
    if (!answer.ok) return setProblem(answer.message);
    onClose();
    router.refresh();
  };
  return (
    <Modal opened onClose={onClose} title={`Remove “${view.name}”?`}>
      <Stack>
        <p>
          {view.isShared ? 'It is gone for everybody who uses it. ' : ''}No device is touched; the filter can be typed
          again: {view.filter === '' ? 'every device' : view.filter}
        </p>
        {problem !== null && <p role="alert">{problem}</p>}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Keep it
          </Button>
          <Button color="red" onClick={() => void remove()}>
            Remove the view
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
