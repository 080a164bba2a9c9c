import type { ReactNode } from 'react';
import { pageScope } from '../_server/session.ts';
import { Shell } from '../_ui/shell.client.tsx';

/** The frame of all signed-in screens. */
export default async function PortalLayout({ children }: { children: ReactNode }): Promise<ReactNode> {
  const { user, isStaff } = await pageScope();
  return (
    <Shell userName={user.name} userEmail={user.email} isStaff={isStaff}>
      {children}
    </Shell>
  );
}
