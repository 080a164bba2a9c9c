import type { ReactNode } from 'react';
import { requireVisible } from '../../../_server/session.ts';

export default async function RunLayout({
  params,
  children,
}: {
  params: Promise<{ id: string }>;
  children: ReactNode;
}): Promise<ReactNode> {
  await requireVisible('run', (await params).id);
  return children;
}
