import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';

const failure = z.object({ file: z.string(), name: z.string(), error: z.string(), output: z.string() });

/** One thing that failed: where, what it is called, why, and what it printed. */
export type Failure = z.infer<typeof failure>;

export interface SuiteCount {
  passed: number;
  failed: number;
  /** Why the suite counts as failed although no single test did. */
  complaint: string | undefined;
  failures: readonly Failure[];
  /** What failed, and passed when its file was run again alone: second-look.ts. */
  unsteady?: readonly Failure[];
}

const vitestReport = z.object({ passed: z.int(), failed: z.int(), skipped: z.int(), failures: z.array(failure) });

/** What vitest-reporter.ts writes. */
export type VitestReport = z.infer<typeof vitestReport>;

const playwrightError = z.object({ message: z.string().optional(), stack: z.string().optional() });
const playwrightResult = z.object({
  errors: z.array(playwrightError),
  stdout: z.array(z.object({ text: z.string().optional() })),
  stderr: z.array(z.object({ text: z.string().optional() })),
});
const playwrightSpec = z.object({
  title: z.string(),
  file: z.string(),
  tests: z.array(z.object({ status: z.string(), results: z.array(playwrightResult) })),
});
const playwrightSuite = z.object({
  title: z.string(),
  specs: z.array(playwrightSpec),
  get suites() {
    return z.array(playwrightSuite).optional();
  },
});
const playwrightReport = z.object({
  stats: z.object({ expected: z.int(), unexpected: z.int(), flaky: z.int(), skipped: z.int() }),
  suites: z.array(playwrightSuite),
  errors: z.array(playwrightError),
});

/** Counts a report of vitest. `exitCode` is that of the run: a test file that could not be loaded shows only there. */
export function countVitest(report: unknown, exitCode: number): SuiteCount {
  const parsed = vitestReport.safeParse(report);
  if (!parsed.success) return noReport(exitCode);
  return judge(parsed.data, exitCode);
}

/** Counts a JSON report of Playwright. A test that passed only at a second try is not passed. */
export function countPlaywright(report: unknown, exitCode: number): SuiteCount {
  const parsed = playwrightReport.safeParse(report);
  if (!parsed.success) return noReport(exitCode);
  const { stats, suites, errors } = parsed.data;
  const failures = [
    ...errors.map((error) => ({ file: '', name: 'outside of every test', error: describe([error]), output: '' })),
    ...suites.flatMap((suite) => playwrightFailures(suite, [])),
  ];
  const { expected: passed, skipped } = stats;
  return judge({ passed, failed: stats.unexpected + stats.flaky, skipped, failures }, exitCode);
}

/** Its outermost suites are the files; their titles are no part of a name. */
function playwrightFailures(suite: z.infer<typeof playwrightSuite>, above: readonly string[]): Failure[] {
  const own = suite.specs.flatMap(({ title, file, tests }) =>
    tests
      .filter(({ status }) => status === 'unexpected' || status === 'flaky')
      .map(({ results }) => {
        const error = describe(results.flatMap(({ errors }) => errors));
        const output = results.flatMap(({ stdout, stderr }) => [...stdout, ...stderr]).map(({ text }) => text ?? '');
        return { file, name: [...above, title].join(' > '), error, output: output.join('') };
      }),
  );
  const deeper = (suite.suites ?? []).flatMap((inner) => playwrightFailures(inner, [...above, inner.title]));
  return [...own, ...deeper];
}

const describe = (errors: readonly z.infer<typeof playwrightError>[]): string =>
  errors.map(({ message, stack }) => stripVTControlCharacters(message ?? stack ?? '')).join('\n');

function noReport(exitCode: number): SuiteCount {
  const complaint = `the suite ended with code ${exitCode} and wrote no report`;
  return { passed: 0, failed: 1, complaint, failures: [] };
}

function judge({ passed, failed, skipped, failures }: VitestReport, exitCode: number): SuiteCount {
  const judged = (more: number, complaint?: string): SuiteCount => ({
    passed,
    failed: failed + more,
    complaint,
    failures,
  });
  if (skipped > 0) return judged(skipped, `${skipped} tests were skipped`);
  if (passed + failed === 0) return judged(1, 'not one test ran');
  if (failed === 0 && exitCode !== 0) return judged(1, `every test passed, but the suite ended with code ${exitCode}`);
  return judged(0);
}
