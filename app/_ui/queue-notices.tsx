import Link from 'next/link';
import type { ReactNode } from 'react';
import type { QueueAlertView } from '../../server/queues/view.ts';
import { Moment, type PageClock } from './moment.tsx';
import { Notice } from './notice.tsx';

/** Nothing stored is at risk while a queue stands still, but green lights grow old: a warning. */
export function QueueNotices({
  alerts,
  clock,
  withLink = false,
}: {
  alerts: readonly QueueAlertView[];
  clock: PageClock;
  /** On other pages: the way to the queues. */
  withLink?: boolean;
}): ReactNode {
  return alerts.map((alert) => (
    <Notice
      key={alert.id}
      tone="warn"
      title={alert.title}
      {...(withLink ? { actions: <Link href="/settings/queues">See the queues</Link> } : {})}
    >
      {alert.message} <span className="hf-quiet">Open for </span>
      <Moment atMs={alert.openedMs} clock={clock} form="length" />.
    </Notice>
  ));
}
