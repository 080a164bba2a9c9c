import type { ReactNode } from 'react';
import { staffScope } from '../../../_server/session.ts';

/** Answers 404 to everybody but staff before anything is streamed. */
export default async function TeamTimeLayout({ children }: { children: ReactNode }): Promise<ReactNode> {
  await staffScope();
  return children;
}
