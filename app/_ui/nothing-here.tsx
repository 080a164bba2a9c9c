import { IconCompass } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { EmptyState } from './empty-state.tsx';

/** One answer for what does not exist and for what somebody else has. */
export function NothingHere(): ReactNode {
  return (
    <EmptyState
      isPage
      icon={<IconCompass size={24} />}
      title="There is nothing here"
      actions={<Link href="/">Go to the start page</Link>}
    >
      The address may be mistyped, or what it led to is not part of what your account can see. No data is affected.
    </EmptyState>
  );
}
