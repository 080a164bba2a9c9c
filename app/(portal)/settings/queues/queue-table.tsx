import type { ReactNode } from 'react';
import type { QueuesView, QueueView } from '../../../../server/queues/view.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { formatCount, formatCountOf, formatElapsed } from '../../../../core/domain/format.ts';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import type { StateWord } from '../../../_ui/state-words.ts';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import classes from './queues.module.css';

const QUEUE_STATES: Readonly<Record<QueueView['state'], StateWord>> = {
  running: { word: 'Runs', tone: 'calm', shape: 'check', meaning: 'The last canary came back in time.' },
  busy: {
    word: 'Busy',
    tone: 'calm',
    shape: 'running',
    meaning: 'Every worker has its hands full. What waits is done in turn.',
  },
  still: { word: 'Stands still', tone: 'warn', shape: 'stuck', meaning: 'Canaries are sent and do not come back.' },
  unknown: {
    word: 'Unknown',
    tone: 'mute',
    shape: 'unknown',
    meaning: 'No canary has come back within three minutes.',
  },
};

export function QueueTable({ view, clock }: { view: QueuesView; clock: PageClock }): ReactNode {
  const columns: Column<QueueView>[] = [
    {
      key: 'queue',
      header: 'Queue',
      cell: (queue) => (
        <span className={classes.queue}>
          <span className={classes.name}>{queue.name}</span>
          <span className={classes.about}>{queue.about}</span>
        </span>
      ),
    },
    { key: 'state', header: 'State', cell: (queue) => <StatusBadge state={QUEUE_STATES[queue.state]} size="sm" /> },
    { key: 'waiting', header: 'Waiting', align: 'end', cell: (queue) => formatCount(queue.waiting) },
    {
      key: 'oldest',
      header: 'Longest wait',
      align: 'end',
      cell: (queue) => <Moment atMs={queue.oldestMs} clock={clock} form="length" empty="–" />,
    },
    { key: 'running', header: 'Running', align: 'end', isWideOnly: true, cell: (queue) => formatCount(queue.running) },
    {
      key: 'done',
      header: 'Done in an hour',
      align: 'end',
      isWideOnly: true,
      cell: (queue) => formatCount(queue.doneLastHour),
    },
    { key: 'dead', header: 'Given up', align: 'end', cell: (queue) => formatCount(queue.dead) },
    {
      key: 'canary',
      header: 'Canary',
      align: 'end',
      cell: (queue) => (
        <span className={classes.canary}>
          <Moment atMs={queue.canaryReturnedMs} clock={clock} empty="none yet" />
          {queue.roundTripMs !== null && <span className={classes.about}>took {formatElapsed(queue.roundTripMs)}</span>}
        </span>
      ),
    },
    {
      key: 'workers',
      header: 'Workers',
      align: 'end',
      cell: (queue) =>
        queue.workers === 0 ? (
          'none seen'
        ) : (
          <span title={`${formatCountOf(queue.slots, 'job')} at a time`}>{formatCount(queue.workers)}</span>
        ),
    },
  ];
  return <DataTable label="Queues" columns={columns} rows={view.queues} rowKey={(queue) => queue.queue} />;
}
