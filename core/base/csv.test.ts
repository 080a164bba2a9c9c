import { expect, test } from 'vitest';
import { csvLine } from './csv.ts';

test('a cell that a spreadsheet would run begins with an apostrophe', () => {
  for (const bad of ['=1+1', '+1', '-2+3', '@SUM(A1)', '\t=1', ' =1', '\r=1', '＝1', '=HYPERLINK("http://x","y")'])
    expect(csvLine([bad])).toMatch(/^"?'/);
  expect(csvLine(['SRV-SQL', 'a=b', '3 days'])).toBe('SRV-SQL,a=b,3 days\r\n');
});

test('quotes, commas and line breaks stay inside of their cell, and numbers stay numbers', () => {
  expect(csvLine(['a "b", c', 'x\ny', null, -4.5, ''])).toBe('"a ""b"", c","x\ny",,-4.5,\r\n');
});
