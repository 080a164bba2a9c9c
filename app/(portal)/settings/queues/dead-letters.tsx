import { IconMailCheck, IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { DeadLetterView, QueuesView } from '../../../../server/queues/view.ts';
import { ActionButton } from '../../../_ui/action-button.client.tsx';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { formatCount } from '../../../../core/domain/format.ts';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import classes from './queues.module.css';

/** Jobs that were given up, each with its reason and the way to have it done after all. */
export function DeadLetters({ view, clock }: { view: QueuesView; clock: PageClock }): ReactNode {
  const { deadLetters, deadTotal } = view;
  const columns: Column<DeadLetterView>[] = [
    {
      key: 'what',
      header: 'Job',
      width: '22%',
      cell: (letter) => (
        <span className={classes.queue}>
          <span className={classes.name}>{letter.what}</span>
          {letter.customerName !== null && <span className={classes.about}>{letter.customerName}</span>}
        </span>
      ),
    },
    {
      key: 'when',
      header: 'Given up',
      cell: (letter) => (
        <span className={classes.when}>
          <Moment atMs={letter.diedMs} clock={clock} />
          <span className={classes.about}>
            after {letter.attempts === 1 ? '1 attempt' : `${letter.attempts} attempts`}
          </span>
        </span>
      ),
    },
    {
      key: 'why',
      header: 'Reason',
      width: '46%',
      cell: (letter) => <span className={classes.reason}>{letter.reason}</span>,
    },
    {
      key: 'again',
      header: '',
      align: 'end',
      cell: (letter) =>
        letter.canBeSent ? (
          <ActionButton
            path={`/api/dead-letters/${letter.id}/resend`}
            done="Sent again. It has all its attempts once more."
            icon={<IconRefresh size={16} />}
          >
            Send again
          </ActionButton>
        ) : (
          <span className="hf-quiet">whoever waited was told</span>
        ),
    },
  ];
  return (
    <Panel
      title="Given up"
      note={
        deadTotal > deadLetters.length
          ? `The newest ${deadLetters.length} of ${formatCount(deadTotal)}. They are kept for 30 days.`
          : 'After five attempts, or two workers that ended in the middle. Kept for 30 days.'
      }
      isFlush
    >
      {deadLetters.length === 0 ? (
        <EmptyState icon={<IconMailCheck size={24} />} title="No job was given up">
          A job that fails is tried five times, with a growing pause. What then still fails is listed here with its
          reason, and can be sent again.
        </EmptyState>
      ) : (
        <DataTable
          label="Jobs that were given up, the newest first"
          columns={columns}
          rows={deadLetters}
          rowKey={(letter) => letter.id}
        />
      )}
    </Panel>
  );
}
