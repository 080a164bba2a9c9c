'use client';
import { Select, Textarea, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { formatBytes, formatCountOf } from '../../core/domain/format.ts';
import { textOf } from './dialog-form.client.tsx';
import { FormDialog } from './form-dialog.client.tsx';

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
  const [pointId, setPointId] = useState(points[0]?.id ?? null);
  const point = points.find((one) => one.id === pointId);
  return (
    <FormDialog
      button="Restore…"
      size="sm"
      icon={icon}
      title={`Restore on ${deviceName}`}
      refusal="The restore was not allowed"
      submit="Allow and start the restore"
      isReady={pointId !== null}
      onSend={(send, form) => {
        const paths = textOf(form, 'paths')
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '');
        return send(
          `/api/restore-points/${pointId}/restore`,
          { paths, targetPath: textOf(form, 'target').trim() },
          `${deviceName} begins the restore with its next report.`,
        );
      }}
    >
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
    </FormDialog>
  );
}
