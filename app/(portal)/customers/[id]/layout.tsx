import type { ReactNode } from 'react';
import { requireVisible } from '../../../_server/session.ts';

export default async function CustomerLayout({
  params,
  children,
}: {
  params: Promise<{ id: string }>;
  children: ReactNode;
}): Promise<ReactNode> {
  await requireVisible('customer', (await params).id);
  return children;
}
