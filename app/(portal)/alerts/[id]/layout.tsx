import type { ReactNode } from 'react';
import { requireVisible } from '../../../_server/session.ts';

export default async function AlertLayout({
  params,
  children,
}: {
  params: Promise<{ id: string }>;
  children: ReactNode;
}): Promise<ReactNode> {
  await requireVisible('alert', (await params).id);
  return children;
}
