import type { ReactNode } from 'react';
import { LoadingLayout } from '../../../_ui/loading-layout.tsx';

export default function Loading(): ReactNode {
  return <LoadingLayout tiles={4} rows={6} />;
}
