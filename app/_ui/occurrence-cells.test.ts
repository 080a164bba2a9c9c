import { expect, test } from 'vitest';
import type { BarCell } from '../../server/fleet/view.ts';
import { BAR, cellAt, drawCells, shownCells } from './occurrence-cells.ts';

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

test('by the rule of a view a day is one cell, which says what it stands for; what is undecided hides behind what is decided', () => {
  const bar = [...cells(0, ['ok', 'failed', 'ok', 'extra']), ...cells(1, ['missed']), ...cells(2, ['ok', 'open'])];
  expect(shownCells(bar, 'each')).toBe(bar);
  const by = (rule: 'worst' | 'last' | 'best' | 'mixed') =>
    shownCells(bar, rule).map(([, day, outcome]) => [day, outcome]);
  expect(by('worst')).toEqual([
    [0, 'failed'],
    [1, 'missed'],
    [2, 'ok'],
  ]);
  expect(by('last')[0]).toEqual([0, 'ok']);
  expect(by('mixed')).toEqual([
    [0, 'mixed'],
    [1, 'missed'],
    [2, 'ok'],
  ]);
  expect(shownCells(bar, 'mixed')[0]![3]).toBe('Of 3 expected: 2 on time, 1 failed');
  expect(shownCells(cells(4, ['extra', 'open']), 'best').map(([, , outcome]) => outcome)).toEqual(['open']);
});
