/** Where the cells of a bar lie: one for each expected backup, a column for each day. Pure, so that it can be tested. */
import { type DayRule, dayOutcome } from '../../core/domain/fleet-filter/day-rule.ts';
import type { BarCell } from '../../server/fleet/view.ts';

/** What a bar draws: the cells as they came, or one a day by the rule of its view. */
export type ShownCell = readonly [BarCell[0], BarCell[1], BarCell[2] | 'mixed', BarCell[3]];

export const BAR = { dayWidth: 6, dayGap: 2, height: 22, drillHeight: 8 } as const;

export interface DrawnCell {
  readonly outcome: ShownCell[2];
  readonly x: number;
  readonly y: number;
  readonly height: number;
  /** Places of the cells that it stands for: the first, and the one after the last. */
  readonly from: number;
  readonly to: number;
}

/** The cells of a bar by the rule of a view. What is not decided, or was not asked for, shows on a day that has nothing else. */
export function shownCells(cells: readonly BarCell[], rule: DayRule): readonly ShownCell[] {
  if (rule === 'each') return cells;
  const byDay = Map.groupBy(cells, ([, day]) => day);
  return [...byDay.values()].map((own): ShownCell => {
    const decided = own.flatMap((cell) => (cell[2] === 'open' || cell[2] === 'extra' ? [] : [{ cell, is: cell[2] }]));
    const outcome = dayOutcome(
      decided.map(({ is }) => is),
      rule,
    );
    if (outcome === undefined || own.length === 1) return own.findLast((cell) => cell[2] === 'open') ?? own.at(-1)!;
    const { cell } = decided.findLast(({ is }) => is === outcome) ?? decided.at(-1)!;
    return [cell[0], cell[1], outcome, dayReason(decided.map(({ is }) => is))];
  });
}

function dayReason(outcomes: readonly string[]): string | null {
  const counts = Map.groupBy(outcomes, (one) => one);
  const parts = [...counts].map(([outcome, own]) => `${own.length} ${outcome === 'ok' ? 'on time' : outcome}`);
  return outcomes.length === 1 ? null : `Of ${outcomes.length} expected: ${parts.join(', ')}`;
}

/** What went wrong stays visible among many that went well. */
const SMALLEST_WRONG = 3;
const WRONG_SHARE_MAX = 0.6;

/**
 * Cells of one day lie below one another, the earliest on top, and days beside one another, so that a bad day is a line
 * through all devices. Where a day has many, neighbours of one outcome are drawn as one piece; each can still be pointed at.
 */
export function drawCells(cells: readonly ShownCell[]): DrawnCell[] {
  const drawn: DrawnCell[] = [];
  let from = 0;
  while (from < cells.length) {
    const day = cells[from]![1];
    let to = from;
    while (to < cells.length && cells[to]![1] === day) to++;
    drawn.push(...drawDay(cells, from, to, day));
    from = to;
  }
  return drawn;
}

function drawDay(cells: readonly ShownCell[], from: number, to: number, day: number): DrawnCell[] {
  const count = to - from;
  const isDense = count > 6;
  const gap = isDense ? 0 : 1;
  const pieces: { outcome: ShownCell[2]; from: number; to: number }[] = [];
  for (let at = from; at < to; at++) {
    const outcome = cells[at]![2];
    const last = pieces.at(-1);
    if (isDense && last !== undefined && last.outcome === outcome) last.to = at + 1;
    else pieces.push({ outcome, from: at, to: at + 1 });
  }
  const space = BAR.height - gap * (pieces.length - 1);
  const least = (outcome: ShownCell[2]): number =>
    isDense && outcome !== 'ok' && outcome !== 'extra' ? SMALLEST_WRONG : 0;
  const reserved = pieces.reduce((sum, { outcome }) => sum + least(outcome), 0);
  // Where much went wrong, what went well keeps a part of the day.
  const scale = reserved === 0 ? 1 : Math.min(1, (space * WRONG_SHARE_MAX) / reserved);
  const rest = space - reserved * scale;
  let y = 0;
  return pieces.map((piece) => {
    const height = least(piece.outcome) * scale + (rest * (piece.to - piece.from)) / count;
    const drawn = { ...piece, x: day * (BAR.dayWidth + BAR.dayGap), y, height };
    y += height + gap;
    return drawn;
  });
}

/** The cell at a place of the bar, in its own pixels; undefined between them or where nothing was expected. */
export function cellAt(drawn: readonly DrawnCell[], x: number, y: number): number | undefined {
  const pitch = BAR.dayWidth + BAR.dayGap;
  const ofDay = drawn.filter((cell) => x >= cell.x - BAR.dayGap / 2 && x < cell.x - BAR.dayGap / 2 + pitch);
  // What lies between two belongs to the upper one.
  const hit = ofDay.findLast((cell) => y >= cell.y) ?? ofDay[0];
  if (hit === undefined) return undefined;
  const share = hit.height === 0 ? 0 : Math.min(Math.max((y - hit.y) / hit.height, 0), 0.999);
  return hit.from + Math.floor(share * (hit.to - hit.from));
}
