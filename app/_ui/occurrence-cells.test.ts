import { expect, test } from 'vitest';
import type { BarCell } from '../../server/fleet/view.ts';
import { BAR, cellAt, drawCells } from './occurrence-cells.ts';

const cells = (day: number, outcomes: readonly BarCell[2][]): BarCell[] =>
  outcomes.map((outcome, index) => [day * 86_400 + index, day, outcome, null]);

test('each expected backup has a cell that can be pointed at, in a day’s column and inside the bar', () => {
  for (const count of [1, 2, 4, 6, 7, 24, 96]) {
    const day = cells(
      5,
      Array.from({ length: count }, (_, at) => (at % 5 === 3 ? 'missed' : 'ok')),
    );
    const drawn = drawCells(day);
    expect(drawn.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(count);
    expect(drawn.every(({ x }) => x === 5 * (BAR.dayWidth + BAR.dayGap))).toBe(true);
    expect(drawn.at(-1)!.y + drawn.at(-1)!.height).toBeCloseTo(BAR.height);
    const found = new Set<number>();
    for (let y = 0; y < BAR.height; y += 0.05) found.add(cellAt(drawn, drawn[0]!.x + 1, y)!);
    expect(found.size).toBe(count);
  }
});

test('one that was missed among ninety-six stays visible', () => {
  const outcomes: BarCell[2][] = Array.from({ length: 96 }, () => 'ok');
  outcomes[50] = 'missed';
  expect(drawCells(cells(0, outcomes)).find(({ outcome }) => outcome === 'missed')!.height).toBeGreaterThanOrEqual(3);
});

test('where nothing was expected there is no cell', () => {
  const drawn = drawCells(cells(3, ['ok']));
  expect(cellAt(drawn, 0, 5)).toBeUndefined();
  expect(cellAt([], 0, 0)).toBeUndefined();
});
