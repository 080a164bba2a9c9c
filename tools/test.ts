/**
 * `npm test`: every test of the project on what is real: Postgres, both queue backends, Chromium, stock restic. The last line
 * is `N passed, N failed`, and the exit code says the same; before it stands everything that failed, by name, and what
 * failed once and passed when its file was run again alone (UNSTEADY).
 *
 *   npm test -- --only unit,db      only these suites, for people; the names are in tools/test/suites.ts
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { HoldfastError } from '../core/base/errors.ts';
import { ensureGenerated } from './start/ensure-generated.ts';
import { ensureLinux } from './test/ensure-linux.ts';
import { ensurePrograms } from './test/ensure-programs.ts';
import { ensureRestic } from './test/ensure-restic.ts';
import type { SuiteCount } from './test/count-results.ts';
import { listFailures } from './test/list-failures.ts';
import { type Suite, SUITES } from './test/suites.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function chooseSuites(): readonly Suite[] {
  const { values } = parseArgs({ options: { only: { type: 'string' } } });
  if (values.only === undefined) return SUITES;
  const names = values.only.split(',');
  const unknown = names.filter((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    const list = SUITES.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n');
    throw new HoldfastError('bad_request', `There is no suite ${unknown.join(', ')}. There are:\n${list}`);
  }
  return SUITES.filter((suite) => names.includes(suite.name));
}

/** Some two minutes of waiting in all. */
const DOWNLOAD_TRIES_MAX = 6;

/** Before the tests, so that none of them waits for a download. Without one, those that need it fail and say so. */
function fetchPackages(): void {
  const tries = { triesMax: DOWNLOAD_TRIES_MAX };
  for (const fetch of [() => ensureRestic('0.18', tries), () => ensureRestic('0.19', tries), () => ensureLinux(tries)])
    try {
      fetch();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      console.error(error.message);
    }
}

async function main(): Promise<void> {
  const suites = chooseSuites();
  ensurePrograms();
  if (suites.some(({ name }) => name === 'unit')) fetchPackages();
  await ensureGenerated(root);
  const lines: string[] = [];
  const results: { suite: string; count: SuiteCount }[] = [];
  let passed = 0;
  let failed = 0;
  for (const suite of suites) {
    console.log(`\n== ${suite.name}: ${suite.about}`);
    const startedMs = performance.now();
    const count = await suite.run(root);
    results.push({ suite: suite.name, count });
    passed += count.passed;
    failed += count.failed;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    const counts = `${String(count.passed).padStart(5)} passed ${String(count.failed).padStart(4)} failed ${seconds.padStart(5)} s`;
    lines.push(`${suite.name.padEnd(12)} ${counts}${count.complaint === undefined ? '' : `   ${count.complaint}`}`);
  }
  console.log(`\n${lines.join('\n')}\n`);
  const named = listFailures(results);
  if (named.length > 0) console.log(`${named.join('\n')}\n`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

// Tests that are killed, or kill, leave files behind: all of a run's lie in one folder, which goes with it.
const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-test-'));
// As /tmp is: tests run programs as other users.
chmodSync(scratch, 0o1777);
process.env.TMPDIR = scratch;
try {
  await main();
} catch (error) {
  console.error(error instanceof HoldfastError ? error.message : error);
  // Whoever reads only the last line must not take this for a success.
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
} finally {
  try {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  } catch {
    // Somebody still writes there, or a test took its own rights away: the count above stands all the same.
  }
}
