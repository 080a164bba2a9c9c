'use client';
import { Button, Group, Modal, Select, Textarea, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useRouter } from 'next/navigation';
import { type FormEvent, type ReactNode, useState } from 'react';
import { formatBytes, formatCountOf } from './format.ts';
import { Notice } from './notice.tsx';
import { postJson } from './post-json.ts';

export interface RestorablePoint {
  readonly id: string;
  readonly label: string;
  readonly files: number;
  readonly bytes: number;
}

/** Lets a device restore from one of its points, into a folder of its own. Says beforehand what will happen. */
export function RestoreDialog({
  deviceName,
  points,
  icon,
}: {
  deviceName: string;
  points: readonly RestorablePoint[];
  icon: ReactNode;
}): ReactNode {
  const router = useRouter();
  const [isOpen, dialog] = useDisclosure(false);
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [pointId, setPointId] = useState(points[0]?.id ?? null);
  const point = points.find((one) => one.id === pointId);

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const paths = textOf(form, 'paths')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    setSending(true);
    const answer = await postJson(`/api/restore-points/${pointId}/restore`, {
      paths,
      targetPath: textOf(form, 'target').trim(),
    });
    setSending(false);
    if (!answer.ok) {
      setProblem(answer.message);
      return;
    }
    dialog.close();
    notifications.show({ message: `${deviceName} begins the restore with its next report.`, color: 'harbour' });
    router.refresh();
  };

  return (
    <>
      <Button variant="default" leftSection={icon} onClick={dialog.open}>
        Restore…
      </Button>
      <Modal opened={isOpen} onClose={dialog.close} title={`Restore on ${deviceName}`} size="lg">
        <form onSubmit={(event) => void submit(event)}>
          {problem !== null && (
            <Notice tone="risk" title="The restore was not allowed">
              {problem}
            </Notice>
          )}
          <Select
            label="State of"
            description={
              point === undefined ? undefined : `${formatCountOf(point.files, 'file')}, ${formatBytes(point.bytes)}`
            }
            data={points.map((one) => ({ value: one.id, label: one.label }))}
            value={pointId}
            onChange={setPointId}
            allowDeselect={false}
            required
            withAsterisk={false}
          />
          <Textarea
            label="Files and folders"
            description="Absolute paths as they were on the machine, one a line. Empty restores everything."
            name="paths"
            autosize
            minRows={2}
            maxRows={8}
            mt="md"
          />
          <TextInput
            label="Into the folder"
            description="On the machine. Nothing that is there is overwritten."
            name="target"
            placeholder="/restored"
            required
            withAsterisk={false}
            mt="md"
          />
          <Group justify="flex-end" mt="lg">
            <Button variant="default" onClick={dialog.close}>
              Cancel
            </Button>
            <Button type="submit" loading={isSending} disabled={pointId === null}>
              Allow and start the restore
            </Button>
          </Group>
        </form>
      </Modal>
    </>
  );
}

/** A text field's value; a file, which this form has none of, counts as nothing. */
function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}
