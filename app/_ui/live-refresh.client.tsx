'use client';
import { useRouter } from 'next/navigation';
import { type ReactNode, useEffect, useTransition } from 'react';

const ACTIVE_MS = 2000;
/** Idle pages are read again too: a figure that nobody renews would become an old promise. */
const IDLE_MS = 30_000;

/**
 * Asks the server for the page again: every two seconds while something runs, every half minute otherwise, and not at all
 * while the page is hidden. A new request starts only after the last one was rendered.
 */
export function LiveRefresh({ isActive }: { isActive: boolean }): ReactNode {
  const router = useRouter();
  const [isPending, startTransition] = useTransition();
  useEffect(() => {
    if (isPending) return;
    const refresh = (): void => {
      if (document.visibilityState === 'visible') startTransition(() => router.refresh());
    };
    const timer = setInterval(refresh, isActive ? ACTIVE_MS : IDLE_MS);
    document.addEventListener('visibilitychange', refresh);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', refresh);
    };
  }, [isActive, isPending, router]);
  return null;
}
