import { INK } from './colours.ts';
import { MARGIN, type Paper, type Tag, type TextStyle } from './paper.ts';

export interface Column<Row> {
  readonly title: string;
  /** Share of the width; all shares are taken together. */
  readonly width: number;
  readonly align?: 'left' | 'right';
  readonly text: (row: Row) => string;
  /** A state is said by its word, and its colour says it again. */
  readonly colour?: (row: Row) => string;
  readonly weight?: (row: Row) => 'regular' | 'medium';
  /** At most so many lines; 1 unless told. */
  readonly linesMax?: number;
}

const HEAD: TextStyle = { size: 7.2, weight: 'medium', colour: INK.third };
const CELL: TextStyle = { size: 8.4, leading: 1.35 };
const PAD = 5;
const GAP = 10;

/** A table that goes on over pages; its head stands on each of them. */
export function drawTable<Row>(paper: Paper, parent: Tag, columns: readonly Column<Row>[], rows: readonly Row[]): void {
  const all = columns.reduce((sum, { width }) => sum + width, 0);
  const room = paper.width - GAP * (columns.length - 1);
  let x = MARGIN;
  const placed = columns.map((column) => {
    const width = (column.width / all) * room;
    const place = { ...column, x, width };
    x += width + GAP;
    return place;
  });

  const rule = (colour: string): void => {
    paper.doc
      .moveTo(MARGIN, paper.y)
      .lineTo(MARGIN + paper.width, paper.y)
      .lineWidth(0.6)
      .strokeColor(colour)
      .stroke();
  };
  const head = (draw: (column: (typeof placed)[number], paint: () => void) => void): void => {
    for (const column of placed)
      draw(column, () =>
        paper.line(column.title, column.x, paper.y, column.width, { ...HEAD, align: column.align ?? 'left' }),
      );
    paper.y += 14;
    paper.decoration(() => rule(INK.strongLine));
  };

  paper.reserve(14 + 2 * (CELL.size * 1.35 + 2 * PAD));
  paper.group(parent, 'Table', (table) => {
    paper.group(table, 'TR', (tag) => head((_, paint) => paper.tagged(tag, 'TH', paint)));
    paper.withPageHead(
      () => head((_, paint) => paper.decoration(paint)),
      () => {
        for (const row of rows) {
          const styles = placed.map((column) => ({
            ...CELL,
            colour: column.colour?.(row) ?? INK.text,
            weight: column.weight?.(row) ?? ('regular' as const),
            align: column.align ?? ('left' as const),
            isTabular: column.align === 'right',
          }));
          const height = Math.max(
            ...placed.map((column, at) =>
              paper.heightOf(column.text(row), column.width, styles[at]!, column.linesMax ?? 1),
            ),
          );
          paper.reserve(height + 2 * PAD);
          paper.group(table, 'TR', (tag) => {
            for (const [at, column] of placed.entries())
              paper.tagged(tag, 'TD', () =>
                paper.block(column.text(row), column.x, paper.y + PAD, column.width, styles[at]!, column.linesMax ?? 1),
              );
          });
          paper.y += height + 2 * PAD;
          paper.decoration(() => rule(INK.line));
        }
      },
    );
  });
}
