import type { ReactNode } from 'react';
import { NothingHere } from './_ui/nothing-here.tsx';

export const metadata = { title: 'Not found' };

export default function NotFound(): ReactNode {
  return (
    <main>
      <NothingHere />
    </main>
  );
}
