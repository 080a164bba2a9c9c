import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { viewQueues } from '../../../../server/queues/queries.ts';
import { staffScope } from '../../../_server/session.ts';
import { LiveRefresh } from '../../../_ui/live-refresh.client.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { DeadLetters } from './dead-letters.tsx';
import { QueueNotices } from '../../../_ui/queue-notices.tsx';
import { QueueTable } from './queue-table.tsx';
import { queuesSentence } from './queues-sentence.ts';

export const metadata: Metadata = { title: 'Queues' };

export default async function QueuesPage(): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const view = await viewQueues(services, scope);
  // Of no customer: the provider's own times are told in UTC.
  const clock = { nowMs: view.nowMs, timeZone: 'UTC' };
  return (
    <>
      <LiveRefresh isActive />
      <PageHeader
        eyebrow="Queues"
        sentence={queuesSentence(view)}
        support="A tiny job, the canary, goes through each queue every minute. Work waits in the database and is never lost with a queue."
      />
      <QueueNotices alerts={view.alerts} clock={clock} />
      <div className="hf-stack">
        <Panel isFlush>
          <QueueTable view={view} clock={clock} />
        </Panel>
        <DeadLetters view={view} clock={clock} />
      </div>
    </>
  );
}
