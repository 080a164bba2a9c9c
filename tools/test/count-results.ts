import { z } from 'zod';

export interface SuiteCount {
  passed: number;
  failed: number;
  /** Why the suite counts as failed although no single test did. */
  complaint: string | undefined;
}

const vitestResult = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
});

const playwrightResult = z.object({
  stats: z.object({ expected: z.int(), unexpected: z.int(), flaky: z.int(), skipped: z.int() }),
});

/** Counts a JSON report of vitest. `exitCode` is that of the run: a test file that could not be loaded shows only there. */
export function countVitest(report: unknown, exitCode: number): SuiteCount {
  const parsed = vitestResult.safeParse(report);
  if (!parsed.success) return noReport(exitCode);
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = parsed.data;
  return judge(numPassedTests, numFailedTests, numPendingTests + numTodoTests, exitCode);
}

/** Counts a JSON report of Playwright. A test that passed only at a second try is not passed. */
export function countPlaywright(report: unknown, exitCode: number): SuiteCount {
  const parsed = playwrightResult.safeParse(report);
  if (!parsed.success) return noReport(exitCode);
  const { expected, unexpected, flaky, skipped } = parsed.data.stats;
  return judge(expected, unexpected + flaky, skipped, exitCode);
}

function noReport(exitCode: number): SuiteCount {
  return { passed: 0, failed: 1, complaint: `the suite ended with code ${exitCode} and wrote no report` };
}

function judge(passed: number, failed: number, skipped: number, exitCode: number): SuiteCount {
  if (skipped > 0) return { passed, failed: failed + skipped, complaint: `${skipped} tests were skipped` };
  if (passed + failed === 0) return { passed, failed: 1, complaint: 'not one test ran' };
  if (failed === 0 && exitCode !== 0) {
    return { passed, failed: 1, complaint: `every test passed, but the suite ended with code ${exitCode}` };
  }
  return { passed, failed, complaint: undefined };
}
