import { describe, expect, test } from 'vitest';
import { countPlaywright, countVitest } from './count-results.ts';

const vitestReport = (passed: number, failed: number, pending = 0): unknown => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: pending,
  numTodoTests: 0,
});

describe('the count of a suite', () => {
  test.each([
    ['passes when every test passed', vitestReport(3, 0), 0, { passed: 3, failed: 0, complaint: undefined }],
    ['counts failures', vitestReport(3, 2), 1, { passed: 3, failed: 2, complaint: undefined }],
    ['fails when no test ran', vitestReport(0, 0), 0, { passed: 0, failed: 1, complaint: 'not one test ran' }],
    [
      'fails when a test was skipped',
      vitestReport(3, 0, 1),
      0,
      { passed: 3, failed: 1, complaint: '1 tests were skipped' },
    ],
    [
      'fails when a file could not be loaded',
      vitestReport(3, 0),
      1,
      { passed: 3, failed: 1, complaint: 'every test passed, but the suite ended with code 1' },
    ],
    [
      'fails without a report',
      undefined,
      0,
      { passed: 0, failed: 1, complaint: 'the suite ended with code 0 and wrote no report' },
    ],
  ])('%s', (_, report, exitCode, expected) => {
    expect(countVitest(report, exitCode)).toEqual(expected);
  });

  test('of a browser suite: a test that needed a second try is a failure', () => {
    const stats = { expected: 4, unexpected: 1, flaky: 1, skipped: 0 };
    expect(countPlaywright({ stats }, 1)).toEqual({ passed: 4, failed: 2, complaint: undefined });
    expect(countPlaywright({ errors: [] }, 1)).toMatchObject({ passed: 0, failed: 1 });
  });
});
