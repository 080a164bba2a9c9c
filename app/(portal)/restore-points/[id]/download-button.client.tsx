'use client';
import { ActionIcon, Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDownload, IconFileZip } from '@tabler/icons-react';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { postJson } from '../../../_ui/post-json.ts';
import { rememberWanted } from './wanted-downloads.ts';

/** Asks a worker to prepare a file, or a folder as zip. The bar above the list follows it and hands it over. */
export function DownloadButton({
  pointId,
  path,
  kind,
  label,
  isCompact = false,
}: {
  pointId: string;
  path: string;
  kind: 'file' | 'zip';
  label: string;
  isCompact?: boolean;
}): ReactNode {
  const router = useRouter();
  const [isSending, setSending] = useState(false);
  const ask = async (): Promise<void> => {
    setSending(true);
    const answer = await postJson<{ downloadId: string }>(`/api/restore-points/${pointId}/downloads`, { path, kind });
    setSending(false);
    if (answer.ok) rememberWanted(answer.value.downloadId);
    else notifications.show({ title: 'It cannot be downloaded', message: answer.message, color: 'red' });
    router.refresh();
  };
  const Icon = kind === 'zip' ? IconFileZip : IconDownload;
  if (isCompact) {
    return (
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={label}
        title={label}
        loading={isSending}
        onClick={() => void ask()}
      >
        <Icon size={17} />
      </ActionIcon>
    );
  }
  return (
    <Button variant="default" size="xs" leftSection={<Icon size={15} />} loading={isSending} onClick={() => void ask()}>
      {label}
    </Button>
  );
}
