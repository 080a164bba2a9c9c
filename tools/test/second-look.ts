import type { SuiteCount } from './count-results.ts';

/** More than these are no chance: the suite counts as it stands. */
export const SECOND_LOOK_FILES_MAX = 3;

/**
 * Runs the files of the few tests that failed once more, with the machine to themselves. What fails again has failed. What passes
 * is counted as passed and kept as unsteady, by name: either the test or the product has a race, and somebody has to find it
 * (docs/decisions/0018-a-second-look.md).
 */
export async function withSecondLook(
  first: SuiteCount,
  runFiles: (files: readonly string[]) => Promise<SuiteCount>,
): Promise<SuiteCount> {
  const files = [...new Set(first.failures.map(({ file }) => file))];
  // A suite that wrote no report, skipped tests or failed outside of every file has nothing that could be looked at again.
  const isNamed = files.length > 0 && !files.includes('') && first.complaint === undefined;
  if (!isNamed || files.length > SECOND_LOOK_FILES_MAX) return first;
  const second = await runFiles(files);
  if (second.failed > 0 || second.passed < first.failed) return first;
  return { ...first, passed: first.passed + first.failed, failed: 0, failures: [], unsteady: first.failures };
}
