import type { ReactNode } from 'react';
import type { LockedPoint } from '../../../server/integrity/queries.ts';
import { type Column, DataTable } from '../../_ui/data-table.tsx';
import { formatCount } from '../../../core/domain/format.ts';
import { type PageClock, ShortTime } from '../../_ui/moment.tsx';
import { Panel } from '../../_ui/panel.tsx';

/** Restore points that count for nothing until they are whole again. */
export function LockedTable({
  points,
  total,
  clock,
}: {
  points: readonly LockedPoint[];
  total: number;
  clock: PageClock;
}): ReactNode {
  const columns: Column<LockedPoint>[] = [
    { key: 'at', header: 'State of', cell: (point) => <ShortTime atMs={point.captureMs} clock={clock} /> },
    { key: 'device', header: 'Device', cell: (point) => point.deviceName },
    { key: 'customer', header: 'Customer', cell: (point) => point.customerName },
    {
      key: 'reason',
      header: 'Why',
      cell: (point) => (point.isLost ? `A part of it is lost for good. ${point.reason}` : point.reason),
    },
    {
      key: 'files',
      header: 'Files hit',
      align: 'end',
      cell: (point) => (point.filesHit === null ? '–' : formatCount(point.filesHit)),
    },
  ];
  return (
    <Panel
      title="Locked away"
      note={
        total > points.length
          ? `The newest ${formatCount(points.length)} of ${formatCount(total)}.`
          : 'Restore points that need something damaged. Nothing restores from them, and they count for nothing.'
      }
      isFlush={points.length > 0}
    >
      {points.length === 0 ? (
        <p className="hf-quiet">None. Every restore point stands on data that was found intact.</p>
      ) : (
        <DataTable
          label="Restore points that are locked away"
          columns={columns}
          rows={points}
          rowKey={(point) => point.id}
          href={(point) => `/restore-points/${point.id}`}
        />
      )}
    </Panel>
  );
}
