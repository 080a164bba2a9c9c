/** docs/faults.md claims nothing without a test: each row names a file that is there and holds a test of that name. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const rows = readFileSync(path.join(checkout, 'docs/faults.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| F\d+ \|/.test(line));

test('every fault from F1 to F24, from F28 to F35 and from F40 to F43 has a row', () => {
  const named = new Set(rows.map((row) => Number(/^\| F(\d+)/.exec(row)?.[1])));
  const wanted = [...Array.from({ length: 24 }, (_, at) => at + 1), 28, 29, 30, 31, 32, 33, 34, 35, 40, 41, 42, 43];
  expect(wanted.filter((fault) => !named.has(fault))).toEqual([]);
});

test.each(rows)('%s', (row) => {
  const [, file = '', name = ''] = /`([^`]+\.test\.ts)`: "([^"]+)" \|$/.exec(row) ?? [];
  expect(existsSync(path.join(checkout, file)), `no file ${file}`).toBe(true);
  expect(readFileSync(path.join(checkout, file), 'utf8')).toContain(name);
});
