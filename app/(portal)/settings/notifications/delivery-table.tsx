import { IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { DeliveryView } from '../../../../server/delivery/view.ts';
import { ActionButton } from '../../../_ui/action-button.client.tsx';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { ShortTime, type PageClock } from '../../../_ui/moment.tsx';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import { DELIVERY_STATES } from './notification-words.ts';
import classes from './notifications.module.css';

/** What was sent, the newest first, with the answer of the other side. */
export function DeliveryTable({
  rows,
  clock,
  hasChannel,
}: {
  rows: readonly DeliveryView[];
  clock: PageClock;
  hasChannel: boolean;
}): ReactNode {
  const columns: Column<DeliveryView>[] = [
    {
      key: 'what',
      header: 'What',
      width: '32%',
      cell: (one) => (
        <span className={classes.two}>
          <span className={classes.name}>{one.title}</span>
          <span className={classes.about}>
            {[
              one.transition === 'resolved' ? 'resolved' : '',
              one.subjectName,
              one.customerName === one.subjectName ? '' : one.customerName,
              hasChannel ? `to ${one.channelName}` : '',
              one.isReplay ? 'sent again by hand' : '',
              one.isGathered ? 'in one message with others' : '',
            ]
              .filter((part) => part)
              .join(' · ')}
          </span>
        </span>
      ),
    },
    { key: 'state', header: 'State', cell: (one) => <StatusBadge state={DELIVERY_STATES[one.state]} size="sm" /> },
    { key: 'when', header: 'When', cell: (one) => <ShortTime atMs={one.endedMs ?? one.createdMs} clock={clock} /> },
    {
      key: 'attempts',
      header: 'Attempts',
      align: 'end',
      cell: (one) => <span className="hf-num">{one.attempts}</span>,
    },
    {
      key: 'answer',
      header: 'Answer',
      width: '30%',
      cell: (one) => <span className={classes.words}>{answerWords(one, clock)}</span>,
    },
    {
      key: 'again',
      header: '',
      align: 'end',
      cell: (one) =>
        one.canReplay ? (
          <ActionButton
            path={`/api/deliveries/${one.id}/replay`}
            done="Sent again, under the same id: a receiver that has it knows it."
            icon={<IconRefresh size={16} />}
          >
            Send again
          </ActionButton>
        ) : null,
    },
  ];
  return <DataTable label="Deliveries, the newest first" columns={columns} rows={rows} rowKey={(one) => one.id} />;
}

function answerWords(one: DeliveryView, clock: PageClock): ReactNode {
  const parts = [one.reason, one.response].filter((part) => part !== null && part !== '');
  if (one.state === 'waiting' && one.dueMs > clock.nowMs)
    return (
      <>
        {parts.length > 0 && `${parts.join(' ')} `}
        Next at <ShortTime atMs={one.dueMs} clock={clock} />
      </>
    );
  return parts.length === 0 ? '–' : parts.join(' ');
}
