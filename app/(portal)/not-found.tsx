import type { ReactNode } from 'react';
import { NothingHere } from '../_ui/nothing-here.tsx';

/** Inside the frame, whose main element it fills. */
export default function PortalNotFound(): ReactNode {
  return <NothingHere />;
}
