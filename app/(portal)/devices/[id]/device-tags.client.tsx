'use client';
import { TagsInput } from '@mantine/core';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { postJson } from '../../../_ui/post-json.ts';

/** Words by which staff find devices in the fleet list (`tag:server`). Saved with each change. */
export function DeviceTags({ deviceId, tags }: { deviceId: string; tags: readonly string[] }): ReactNode {
  const router = useRouter();
  const [shown, setShown] = useState<readonly string[]>(tags);
  const [problem, setProblem] = useState<string | null>(null);
  const save = async (wanted: string[]): Promise<void> => {
    setShown(wanted);
    const answer = await postJson(`/api/devices/${deviceId}/tags`, { tags: wanted });
    setProblem(answer.ok ? null : answer.message);
    if (answer.ok) router.refresh();
  };
  return (
    <TagsInput
      aria-label="Tags"
      placeholder="Add a tag"
      size="xs"
      value={[...shown]}
      error={problem}
      onChange={(wanted) => void save(wanted)}
    />
  );
}
