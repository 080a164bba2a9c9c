import { IconFilterOff } from '@tabler/icons-react';
import Link from 'next/link';
import type { ReactNode } from 'react';
import type { PlacedDrill } from '../../../../server/drills/list-drills.ts';
import type { DrillsView } from '../../../../server/drills/view-drills.ts';
import { type Column, DataTable } from '../../../_ui/data-table.tsx';
import { SCOPE_WORDS } from '../../../_ui/drill-words.ts';
import { EmptyState } from '../../../_ui/empty-state.tsx';
import { formatCount, formatElapsed } from '../../../../core/domain/format.ts';
import { ShortTime } from '../../../_ui/moment.tsx';
import { DRILL_WORDS } from '../../../_ui/state-words.ts';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import classes from './drill-lists.module.css';

/** Every drill that the filter lets through, the newest first. */
export function DrillHistory({ history, nowMs }: Pick<DrillsView, 'history' | 'nowMs'>): ReactNode {
  if (history.drills.length === 0)
    return (
      <EmptyState
        icon={<IconFilterOff size={24} />}
        title="No test matches this filter"
        actions={<Link href="/drills">Show all</Link>}
      />
    );
  const columns: Column<PlacedDrill>[] = [
    {
      key: 'device',
      header: 'Device',
      cell: (drill) => (
        <span className={classes.device}>
          <span>{drill.deviceName}</span>
          <span className={classes.small}>{drill.customerName}</span>
        </span>
      ),
    },
    { key: 'result', header: 'Result', cell: (drill) => <StatusBadge state={DRILL_WORDS[drill.state]} size="sm" /> },
    {
      key: 'level',
      header: 'Level',
      cell: (drill) =>
        `${drill.level}, ${SCOPE_WORDS[drill.scope]}${drill.runner === 'kit' ? ', by recovery kit' : drill.runner === 'agent' ? ', on the machine' : ''}`,
    },
    {
      key: 'at',
      header: 'Asked',
      cell: (drill) => <ShortTime atMs={drill.createdMs} clock={{ nowMs, timeZone: drill.timeZone }} />,
    },
    {
      key: 'matched',
      header: 'Files matched',
      align: 'end',
      cell: (drill) => `${formatCount(drill.filesMatched)} of ${formatCount(drill.filesPlanned)}`,
    },
    {
      key: 'took',
      header: 'Took',
      align: 'end',
      isWideOnly: true,
      cell: (drill) =>
        drill.startedMs === null || drill.finishedMs === null ? '–' : formatElapsed(drill.finishedMs - drill.startedMs),
    },
  ];
  return (
    <DataTable
      label="Restore tests, the newest first"
      columns={columns}
      rows={history.drills}
      rowKey={(drill) => drill.id}
      href={(drill) => `/drills/${drill.id}`}
    />
  );
}
