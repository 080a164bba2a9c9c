import type { ReactNode } from 'react';
import { pageScope } from '../../../_server/session.ts';

/** For the provider's people, and for a customer's about its own channels. */
export default async function NotificationsLayout({ children }: { children: ReactNode }): Promise<ReactNode> {
  await pageScope();
  return children;
}
