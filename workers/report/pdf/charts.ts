import { formatBytes, formatDuration } from '../../../core/domain/format.ts';
import type { MonthReport, ReportDrill } from '../../../core/domain/reports/month-report.ts';
import { INK } from './colours.ts';
import { drawHatch } from './marks.ts';
import { MARGIN, type Paper, type Tag } from './paper.ts';

const NAME_WIDTH = 150;
const VALUE_WIDTH = 128;

/** How long one restore took, as a bar against its target: solid when it was measured, hatched when it was estimated. */
export function drawSpan(paper: Paper, parent: Tag, drill: ReportDrill, longestMs: number): void {
  const height = 18;
  paper.reserve(height);
  const left = MARGIN + NAME_WIDTH;
  const width = paper.width - NAME_WIDTH - VALUE_WIDTH;
  const { rtoMs, rtoTargetMs, isEstimated } = drill;
  if (rtoMs === null) return;
  const isOver = rtoTargetMs !== null && rtoMs > rtoTargetMs;
  const colour = isOver ? INK.risk : paper.accent;
  const length = Math.max(2, (rtoMs / longestMs) * width);
  paper.decoration(() => {
    paper.doc.rect(left, paper.y + 3, width, 7).fill(INK.ground);
    if (isEstimated) drawHatch(paper.doc, left, paper.y + 3, length, 7, colour);
    else paper.doc.rect(left, paper.y + 3, length, 7).fill(colour);
    if (rtoTargetMs === null) return;
    const at = left + (rtoTargetMs / longestMs) * width;
    paper.doc
      .moveTo(at, paper.y)
      .lineTo(at, paper.y + 13)
      .lineWidth(1)
      .strokeColor(INK.text)
      .stroke();
  });
  const target = rtoTargetMs === null ? '' : ` of ${formatDuration(rtoTargetMs)}`;
  paper.tagged(parent, 'P', () => {
    paper.line(drill.system, MARGIN, paper.y + 1, NAME_WIDTH - 10, { size: 8.4 });
    paper.line(
      `${formatDuration(rtoMs)}${target}${isEstimated ? ', estimated' : ''}`,
      MARGIN + paper.width - VALUE_WIDTH + 8,
      paper.y + 1,
      VALUE_WIDTH - 8,
      { size: 8.4, weight: 'medium', align: 'right', isTabular: true, colour: isOver ? INK.risk : INK.text },
    );
  });
  paper.y += height;
}

/** Stored bytes by month as columns, with the protected bytes as a line of points above or within them. */
export function drawStorage(paper: Paper, parent: Tag, storage: MonthReport['storage']): void {
  const height = 96;
  paper.reserve(height + 46);
  const most = Math.max(1, ...storage.map(({ storedBytes, protectedBytes }) => Math.max(storedBytes, protectedBytes)));
  const step = paper.width / Math.max(6, storage.length);
  const bar = Math.min(26, step * 0.5);
  const base = paper.y + height + 12;
  const scale = (bytes: number): number => (bytes / most) * (height - 14);
  const words = storage.map(
    ({ month, storedBytes, protectedBytes }) =>
      `${month}: ${formatBytes(storedBytes)} stored, ${formatBytes(protectedBytes)} protected`,
  );
  paper.tagged(
    parent,
    'Figure',
    () => {
      for (const [at, { month, storedBytes, protectedBytes }] of storage.entries()) {
        const x = MARGIN + at * step;
        const isLast = at === storage.length - 1;
        paper.doc
          .rect(x, base - scale(storedBytes), bar, Math.max(0.8, scale(storedBytes)))
          .fill(isLast ? paper.accent : INK.calm);
        const y = base - scale(protectedBytes);
        paper.doc
          .moveTo(x - 3, y)
          .lineTo(x + bar + 3, y)
          .lineWidth(1.2)
          .strokeColor(INK.text)
          .stroke();
        const name = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'short' }).format(
          Date.parse(`${month}-01T00:00:00Z`),
        );
        paper.line(name, x, base + 5, step, { size: 7, colour: INK.third });
        paper.line(formatBytes(storedBytes), x, base + 15, step - 3, {
          size: 7,
          colour: isLast ? INK.text : INK.second,
          weight: isLast ? 'medium' : 'regular',
          isTabular: true,
        });
      }
      paper.doc
        .moveTo(MARGIN, base)
        .lineTo(MARGIN + paper.width, base)
        .lineWidth(0.6)
        .strokeColor(INK.strongLine)
        .stroke();
    },
    { alt: words.join('; ') },
  );
  paper.y = base + 30;
  paper.tagged(parent, 'P', () =>
    paper.line(
      'Columns and figures: what is stored. The line across each: what is protected, before it is compressed and deduplicated.',
      MARGIN,
      paper.y,
      paper.width,
      {
        size: 7.2,
        colour: INK.third,
      },
    ),
  );
  paper.y += 10;
}
