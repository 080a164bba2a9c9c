import { expect, test } from 'vitest';
import type { SuiteCount } from './count-results.ts';
import { listFailures } from './list-failures.ts';

const count = (failures: SuiteCount['failures'], complaint?: string): SuiteCount => ({
  passed: 1,
  failed: failures.length,
  complaint,
  failures,
});
const failure = (name: string, error = 'Error: no', output = ''): SuiteCount['failures'][number] => ({
  file: 'a/b.test.ts',
  name,
  error,
  output,
});

test('every failure is named with its suite, its file, its full name, its error and what it printed', () => {
  const results = [
    { suite: 'check', count: count([{ file: '', name: 'lint', error: 'a.ts:1: no', output: '' }]) },
    {
      suite: 'unit',
      count: count([failure('a thing > holds', 'Error: \u001b[31mno\u001b[0m\n\nat a/b.test.ts:3:4', 'seed 5\n')]),
    },
    { suite: 'db', count: count([]) },
  ];
  expect(listFailures(results)).toEqual([
    'FAILED check > lint',
    '    a.ts:1: no',
    'FAILED unit > a/b.test.ts > a thing > holds',
    '    Error: no',
    '    at a/b.test.ts:3:4',
    '    printed: seed 5',
  ]);
});

test('a complaint of a suite is a failure as well', () => {
  const results = [{ suite: 'e2e', count: count([failure('t')], '2 tests were skipped') }];
  expect(listFailures(results)).toEqual([
    'FAILED e2e > a/b.test.ts > t',
    '    Error: no',
    'FAILED e2e',
    '    2 tests were skipped',
  ]);
});

test('what is long is cut: lines, their number, and the details of very many failures, never a name', () => {
  const long = Array.from({ length: 50 }, (_, at) => `${at} ${'x'.repeat(500)}`).join('\n');
  const lines = listFailures([{ suite: 'unit', count: count([failure('long', long, long)]) }]);
  expect(lines).toHaveLength(1 + 11 + 5);
  expect(lines[11]).toBe('    (and 40 more lines)');
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(250);
  const many = Array.from({ length: 60 }, (_, at) => failure(`test ${at}`));
  const named = listFailures([{ suite: 'unit', count: count(many) }]);
  expect(named.filter((line) => line.startsWith('FAILED'))).toHaveLength(60);
  expect(named).toHaveLength(60 + 20);
});

test('what failed once and passed alone is named as unsteady', () => {
  const unsteady: SuiteCount = { ...count([]), unsteady: [failure('waits')] };
  const results = [
    { suite: 'unit', count: unsteady },
    { suite: 'db', count: count([failure('holds')]) },
  ];
  expect(listFailures(results)).toEqual([
    'UNSTEADY unit > a/b.test.ts > waits',
    '    Error: no',
    'FAILED db > a/b.test.ts > holds',
    '    Error: no',
  ]);
});
