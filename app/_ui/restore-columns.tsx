import { formatBytes, formatElapsed, formatShort } from '../../core/domain/format.ts';
import type { ReportRestore } from '../../core/domain/reports/month-report.ts';
import { RESTORE_ASKERS, RESTORE_WAYS } from '../../core/domain/reports/report-words.ts';
import type { Column } from './data-table.tsx';
import { RESTORE_WORDS } from './state-words.ts';
import { StatusBadge } from './status-badge.tsx';

/** The paper has fewer, and the exports all of them. */
export const RESTORES_SHOWN = 50;

/** The restores of a monthly report. */
export const restoreColumns = (timeZone: string): Column<ReportRestore>[] => [
  { key: 'device', header: 'System', cell: ({ device }) => device },
  { key: 'asked', header: 'Asked for', cell: ({ askedMs }) => formatShort(askedMs, timeZone) },
  { key: 'by', header: 'By', cell: ({ asker }) => RESTORE_ASKERS[asker] },
  { key: 'way', header: 'How', cell: ({ way }) => RESTORE_WAYS[way], isWideOnly: true },
  {
    key: 'took',
    header: 'Ended after',
    align: 'end',
    cell: ({ endedMs, askedMs }) => (endedMs === null ? '–' : formatElapsed(Math.max(0, endedMs - askedMs))),
  },
  { key: 'size', header: 'Size', align: 'end', cell: ({ bytes }) => (bytes === null ? '–' : formatBytes(bytes)) },
  {
    key: 'state',
    header: 'What came of it',
    cell: ({ state, reason }) => (
      <>
        <StatusBadge state={RESTORE_WORDS[state]} />
        {reason !== null && <div className="hf-quiet">{reason}</div>}
      </>
    ),
  },
];
