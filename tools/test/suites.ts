import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { listSourceFiles } from '../check/list-source-files.mjs';
import { withPinnedNode } from '../start/ensure-generated.ts';
import { countPlaywright, countVitest, type SuiteCount } from './count-results.ts';
import { withSecondLook } from './second-look.ts';

export interface Suite {
  name: string;
  /** One line for people who choose with --only. */
  about: string;
  run: (root: string) => Promise<SuiteCount>;
}

/** In the order in which they run: what is quick and what everything else stands on comes first. */
export const SUITES: readonly Suite[] = [
  { name: 'check', about: 'types, lint, layers, names, dead code, formatting', run: runCheck },
  {
    name: 'unit',
    about: 'tests beside the source that need nothing, random input too',
    run: (root) => runVitest(root, 'unit', 'fuzz'),
  },
  { name: 'tools', about: 'the check finds planted violations; the tools', run: (root) => runVitest(root, 'tools') },
  { name: 'db', about: 'on a real Postgres, the queue on Redis', run: runQueueOnRedis },
  { name: 'db-postgres', about: 'those with a queue once more, the queue on Postgres', run: runQueueOnPostgres },
  { name: 'build', about: 'the portal builds', run: runBuild },
  { name: 'system', about: 'npm start, as a person runs it', run: (root) => runVitest(root, 'system') },
  { name: 'e2e', about: 'the portal in a real Chromium', run: runPlaywright },
];

async function runCheck(root: string): Promise<SuiteCount> {
  const { checkParts, runParts } = await import('../check/run-parts.mjs');
  const parts = checkParts(root);
  const failed = await runParts(parts, { cwd: root });
  const failures = failed.map(({ name, output }) => ({ file: '', name, error: output, output: '' }));
  return { passed: parts.length - failed.length, failed: failed.length, complaint: undefined, failures };
}

async function runBuild(root: string): Promise<SuiteCount> {
  const { buildPortal, needsBuild } = await import('../start/ensure-built.ts');
  try {
    if (needsBuild(root)) await buildPortal(root, new AbortController().signal);
    return { passed: 1, failed: 0, complaint: undefined, failures: [] };
  } catch (error) {
    const complaint = error instanceof Error ? error.message : String(error);
    return { passed: 0, failed: 1, complaint, failures: [] };
  }
}

/** These files wait for services more than they compute: one more at a time than vitest.config.ts says. */
const DATABASE_WORKERS = 3;

async function runQueueOnRedis(root: string): Promise<SuiteCount> {
  return await runVitestWith(root, {
    projects: ['db'],
    env: { HOLDFAST_TEST_QUEUE: 'redis' },
    maxWorkers: DATABASE_WORKERS,
  });
}

/** Test files say that they use the queue by importing tests/support/test-queue.ts. */
async function runQueueOnPostgres(root: string): Promise<SuiteCount> {
  const files = listSourceFiles(root).filter(
    (file) => file.endsWith('.test.ts') && readFileSync(path.join(root, file), 'utf8').includes('/test-queue.ts'),
  );
  if (files.length === 0)
    return { passed: 0, failed: 1, complaint: 'no test file imports tests/support/test-queue.ts', failures: [] };
  return await runVitestWith(root, { projects: ['db'], env: { HOLDFAST_TEST_QUEUE: 'postgres' }, files });
}

const runVitest = (root: string, ...projects: string[]): Promise<SuiteCount> => runVitestWith(root, { projects });

async function runVitestWith(
  root: string,
  {
    projects,
    env = {},
    files = [],
    maxWorkers,
  }: { projects: readonly string[]; env?: Record<string, string>; files?: readonly string[]; maxWorkers?: number },
): Promise<SuiteCount> {
  const runFiles = (chosenFiles: readonly string[], workers: number | undefined): Promise<SuiteCount> =>
    withResultFile(async (resultPath) => {
      const chosen = projects.flatMap((project) => ['--project', project]);
      const args = [
        'run',
        ...chosen,
        ...(workers === undefined ? [] : [`--maxWorkers=${workers}`]),
        '--reporter=default',
        `--reporter=${path.join(root, 'tools/test/vitest-reporter.ts')}`,
        `--outputFile=${resultPath}`,
        ...chosenFiles,
      ];
      const code = await runProgram(root, 'node_modules/vitest/vitest.mjs', args, env);
      return countVitest(readResult(resultPath), code);
    });
  return await withSecondLook(await runFiles(files, maxWorkers), (again) => {
    sayOnceMore(again);
    return runFiles(again, 1);
  });
}

async function runPlaywright(root: string): Promise<SuiteCount> {
  const runFiles = (files: readonly string[]): Promise<SuiteCount> =>
    withResultFile(async (resultPath) => {
      const args = ['test', '--reporter=list,json', ...files];
      const code = await runProgram(root, 'node_modules/@playwright/test/cli.js', args, {
        PLAYWRIGHT_JSON_OUTPUT_NAME: resultPath,
      });
      return countPlaywright(readResult(resultPath), code);
    });
  return await withSecondLook(await runFiles([]), (again) => {
    sayOnceMore(again);
    return runFiles(again);
  });
}

function sayOnceMore(files: readonly string[]): void {
  console.log(`\n-- once more, alone: ${files.join(', ')}`);
}

/**
 * Where the tests' own processes and threads keep what they compiled, the place of bin/holdfast: hundreds of them are started, and
 * a fourth of their time was compiling.
 */
const COMPILED = 'node_modules/.cache/holdfast/compiled';

async function withResultFile(work: (resultPath: string) => Promise<SuiteCount>): Promise<SuiteCount> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-test-result-'));
  try {
    return await work(path.join(folder, 'result.json'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readResult(resultPath: string): unknown {
  if (!existsSync(resultPath)) return undefined;
  return JSON.parse(readFileSync(resultPath, 'utf8')) as unknown;
}

function runProgram(
  root: string,
  script: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(root, script), ...args], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...withPinnedNode(root), NODE_COMPILE_CACHE: path.join(root, COMPILED), ...env },
    });
    child.once('error', () => resolve(127));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
