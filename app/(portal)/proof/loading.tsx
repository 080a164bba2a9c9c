import type { ReactNode } from 'react';
import { LoadingLayout } from '../../_ui/loading-layout.tsx';

export default function Loading(): ReactNode {
  return <LoadingLayout rows={6} />;
}
