'use client';
import { Button } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { EmptyState } from './_ui/empty-state.tsx';

/** What a person sees when a page could not be made: what happened, what it means for the data, what to do. */
export default function PageError({
  error,
  reset,
}: {
  error: Error & { digest?: string };
  reset: () => void;
}): ReactNode {
  return (
    <EmptyState
      isPage
      icon={<IconPlugConnectedX size={24} />}
      title="This page could not be loaded"
      actions={<Button onClick={reset}>Try again</Button>}
    >
      The portal could not read what it wanted to show. Backups and restore drills run apart from it and are not
      affected.
      {error.digest !== undefined && (
        <> If it stays so, give this number to whoever runs the service: {error.digest}.</>
      )}
    </EmptyState>
  );
}
