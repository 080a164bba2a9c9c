import type { ReactNode } from 'react';
import { requireVisible } from '../../../_server/session.ts';

export default async function DeviceLayout({
  params,
  children,
}: {
  params: Promise<{ id: string }>;
  children: ReactNode;
}): Promise<ReactNode> {
  await requireVisible('device', (await params).id);
  return children;
}
