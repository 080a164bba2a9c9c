import type { ReactNode } from 'react';
import { staffScope } from '../../../_server/session.ts';

/** Answers 404 to everybody but staff before anything is streamed; a drill of their own is beside this, and theirs to see. */
export default async function DrillsLayout({ children }: { children: ReactNode }): Promise<ReactNode> {
  await staffScope();
  return children;
}
