import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { RtoBar } from './rto-bar.tsx';

const HOUR = 3_600_000;
const draw = (tookMs: number, targetMs: number | null, isEstimated = false): string =>
  renderToStaticMarkup(<RtoBar tookMs={tookMs} targetMs={targetMs} isEstimated={isEstimated} />);
const textOf = (markup: string): string => markup.replace(/<[^>]*>/g, '');

test('a bar of a recovery says in words what it draws, against the target, and never passes an estimate for a measurement', () => {
  expect(textOf(draw(HOUR, 4 * HOUR))).toBe('1 h of 4 h');
  expect(draw(HOUR, 4 * HOUR)).toContain('width:25%');
  const over = draw(8 * HOUR, 4 * HOUR);
  expect(textOf(over)).toBe('8 h of 4 h, too long');
  // The line of the target stands in the middle of what took twice as long.
  expect(over).toContain('left:50%');
  expect(textOf(draw(HOUR, 4 * HOUR, true))).toBe('1 h of 4 h, estimated');
  expect(draw(HOUR, 4 * HOUR, true)).toContain('data-kind="estimated"');
  expect(draw(HOUR, null)).toBe('1 h');
});
