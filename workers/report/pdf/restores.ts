import { formatBytes, formatCountOf, formatElapsed, formatShort } from '../../../core/domain/format.ts';
import type { MonthReport } from '../../../core/domain/reports/month-report.ts';
import { RESTORE_ASKERS, RESTORE_ENDS, restoreSentence } from '../../../core/domain/reports/report-words.ts';
import { isFailed } from '../../../core/domain/sla/restore-service.ts';
import { INK } from './colours.ts';
import { MARGIN, type Paper } from './paper.ts';
import { section } from './section.ts';
import { drawTable } from './table.ts';

const RESTORES_MAX = 20;

/** Restores that people asked for. Nothing is drawn where there was none: the figures say so on the screen. */
export function drawRestores(paper: Paper, { restores, timeZone }: MonthReport): void {
  if (restores.rows.length === 0) return;
  // Those that failed first: the list may be longer than anybody reads.
  const shown = [...restores.rows].sort((a, b) => Number(isFailed(b.state)) - Number(isFailed(a.state)));
  section(paper, 'Restores that were asked for', restoreSentence(restores.figures), 60, (tag) => {
    drawTable(
      paper,
      tag,
      [
        { title: 'System', width: 22, text: ({ device }) => device, weight: () => 'medium', linesMax: 2 },
        { title: 'Asked for', width: 16, text: ({ askedMs }) => formatShort(askedMs, timeZone) },
        { title: 'By', width: 15, text: ({ asker }) => RESTORE_ASKERS[asker], linesMax: 2 },
        {
          title: 'Ended after',
          width: 14,
          align: 'right',
          text: ({ endedMs, askedMs }) => (endedMs === null ? '–' : formatElapsed(Math.max(0, endedMs - askedMs))),
        },
        {
          title: 'Size',
          width: 11,
          align: 'right',
          text: ({ bytes }) => (bytes === null ? '–' : formatBytes(bytes)),
        },
        {
          title: 'What came of it',
          width: 28,
          text: ({ state, reason }) => (reason === null ? RESTORE_ENDS[state] : `${RESTORE_ENDS[state]}. ${reason}`),
          colour: ({ state }) => (isFailed(state) ? INK.risk : INK.second),
          linesMax: 3,
        },
      ],
      shown.slice(0, RESTORES_MAX),
    );
    if (shown.length > RESTORES_MAX)
      paper.tagged(tag, 'P', () => {
        paper.y += 6;
        paper.y += paper.block(
          `And ${formatCountOf(shown.length - RESTORES_MAX, 'more restore')}: the exported table has every one.`,
          MARGIN,
          paper.y,
          paper.width,
          { size: 8.4, colour: INK.second },
        );
      });
  });
}
