import { expect, test } from 'vitest';
import type { SuiteCount } from './count-results.ts';
import { SECOND_LOOK_FILES_MAX, withSecondLook } from './second-look.ts';

const failure = (file: string) => ({ file, name: 'holds', error: 'Error: no', output: '' });
const count = (passed: number, files: readonly string[], complaint?: string): SuiteCount => ({
  passed,
  failed: files.length,
  complaint,
  failures: files.map(failure),
});

async function look(
  first: SuiteCount,
  second: SuiteCount,
): Promise<{ count: SuiteCount; asked: (readonly string[])[] }> {
  const asked: (readonly string[])[] = [];
  const judged = await withSecondLook(first, async (files) => {
    asked.push(files);
    return second;
  });
  return { count: judged, asked };
}

test('what fails twice has failed, and is told as it failed first', async () => {
  const first = count(9, ['a.test.ts', 'b.test.ts']);
  expect(await look(first, count(11, ['b.test.ts']))).toEqual({ count: first, asked: [['a.test.ts', 'b.test.ts']] });
});

test('what passes alone is counted as passed, and stays known by name as unsteady', async () => {
  const { count: judged, asked } = await look(count(9, ['a.test.ts', 'a.test.ts']), count(4, []));
  expect(asked).toEqual([['a.test.ts']]);
  expect(judged).toMatchObject({ passed: 11, failed: 0, failures: [] });
  expect(judged.unsteady).toEqual([failure('a.test.ts'), failure('a.test.ts')]);
});

test('a second run that ran fewer tests than had failed shows nothing', async () => {
  const first = count(9, ['a.test.ts', 'a.test.ts']);
  expect((await look(first, count(1, []))).count).toBe(first);
  expect((await look(first, count(0, [], 'the suite ended with code 1'))).count).toBe(first);
});

test('many failures, and failures outside of every file, get no second look', async () => {
  const many = Array.from({ length: SECOND_LOOK_FILES_MAX + 1 }, (_, at) => `${at}.test.ts`);
  for (const first of [count(9, many), count(9, ['']), count(9, ['a.test.ts'], '2 tests were skipped'), count(9, [])])
    expect(await look(first, count(99, []))).toEqual({ count: first, asked: [] });
});
