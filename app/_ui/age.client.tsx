'use client';
import { type ReactNode, useEffect, useState } from 'react';
import { formatDuration, formatRelative } from '../../core/domain/format.ts';

/** One clock for all ages of a page: it ticks twice a minute, and each second while something is younger than two minutes. */
function useNow(serverNowMs: number, isYoung: boolean): number {
  const [now, setNow] = useState(serverNowMs);
  useEffect(() => {
    // The server's time plus what has passed here, so that a wrong clock of this machine changes no age.
    const start = performance.now();
    setNow(serverNowMs);
    const timer = setInterval(() => setNow(serverNowMs + (performance.now() - start)), isYoung ? 1000 : 30_000);
    return () => clearInterval(timer);
  }, [serverNowMs, isYoung]);
  return now;
}

/**
 * A relative time with the exact one in the tooltip and in `<time>`. `exact` is written by the server in the customer's
 * zone. `form` decides between "2 h ago" and the bare length "2 h". With `atMs` null it says `empty`.
 */
export function Age({
  atMs,
  nowMs,
  exact,
  form = 'relative',
  empty = 'never',
}: {
  atMs: number | null;
  nowMs: number;
  exact: string | null;
  form?: 'relative' | 'length';
  empty?: string;
}): ReactNode {
  const now = useNow(nowMs, atMs !== null && Math.abs(nowMs - atMs) < 120_000);
  if (atMs === null) return <span className="hf-quiet">{empty}</span>;
  return (
    <time dateTime={new Date(atMs).toISOString()} title={exact ?? undefined} className="hf-num">
      {form === 'relative' ? formatRelative(atMs, now) : formatDuration(Math.max(0, now - atMs))}
    </time>
  );
}
