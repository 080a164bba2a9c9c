/** The runners themselves on planted failures: what they report is counted, and named. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { countPlaywright, countVitest, type SuiteCount } from './count-results.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-count-'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
}

/** Runs it in the folder, as another program: not as a part of the run that this test is in. */
function run(script: string, args: readonly string[], env: Record<string, string> = {}): number {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|TEST$|NODE_ENV$)/.test(name));
  const program = path.join(root, 'node_modules', script);
  return spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    env: { ...(Object.fromEntries(inherited) as NodeJS.ProcessEnv), ...env },
    stdio: 'pipe',
  }).status!;
}

const result = (): unknown => {
  const file = path.join(folder, 'result.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as unknown) : undefined;
};

function vitest(files: Record<string, string>): SuiteCount {
  write(files);
  const reporter = path.join(root, 'tools/test/vitest-reporter.ts');
  const code = run('vitest/vitest.mjs', ['run', `--reporter=${reporter}`, '--outputFile=result.json']);
  return countVitest(result(), code);
}

const head = `import { afterAll, describe, expect, test } from 'vitest';\n`;

describe('a run of vitest', () => {
  test('that is green counts its tests', () => {
    expect(vitest({ 'a.test.ts': `${head}test('one', () => {}); test('two', () => {});` })).toEqual({
      passed: 2,
      failed: 0,
      complaint: undefined,
      failures: [],
    });
  });

  test('names what failed: file, full name, the error with its place, what it printed', () => {
    const count = vitest({
      'inner/b.test.ts': `${head}console.log('file seed 12');
        describe('a thing', () => { test('holds', () => { console.log('test seed 34'); expect(1).toBe(2); }); });
        test('is fine', () => {}); test.skip('later', () => {}); test.todo('one day');`,
    });
    expect(count).toMatchObject({ passed: 1, failed: 3, complaint: '2 tests were skipped' });
    expect(count.failures).toEqual([
      {
        file: 'inner/b.test.ts',
        name: 'a thing > holds',
        error: expect.stringMatching(/^AssertionError: expected 1 to be 2[^]*at inner\/b\.test\.ts:3:\d+$/),
        output: 'file seed 12\n\ntest seed 34\n',
      },
    ]);
  });

  test('names what failed outside of tests: a file that could not be loaded, a hook, what nobody waited for', () => {
    const count = vitest({
      'good.test.ts': `${head}test('good', () => {});`,
      'load.test.ts': `throw new Error('broken on its way in');`,
      'hook.test.ts': `${head}describe('d', () => { afterAll(() => { throw new Error('late'); }); test('t', () => {}); });`,
      'loose.test.ts': `${head}test('t', async () => {
        void Promise.reject(new Error('nobody waits')); await new Promise((r) => setTimeout(r, 50)); });`,
    });
    expect(count).toMatchObject({
      passed: 3,
      failed: 1,
      complaint: 'every test passed, but the suite ended with code 1',
    });
    const named = count.failures.map(({ file, name, error }) => `${file} ${name} ${error}`).toSorted();
    expect(named).toEqual([
      expect.stringMatching(/^hook\.test\.ts d: a hook .*late/),
      expect.stringMatching(/^load\.test\.ts the file .*broken on its way in/),
      expect.stringMatching(/^loose\.test\.ts an error outside of every test.*: t Error: nobody waits/),
    ]);
  });

  test('fails when a test was skipped', () => {
    expect(countVitest({ passed: 1, failed: 0, skipped: 2, failures: [] }, 0)).toEqual({
      passed: 1,
      failed: 2,
      complaint: '2 tests were skipped',
      failures: [],
    });
  });

  test('fails when not one test ran, and without a report', () => {
    expect(countVitest({ passed: 0, failed: 0, skipped: 0, failures: [] }, 0)).toMatchObject({
      failed: 1,
      complaint: 'not one test ran',
    });
    expect(countVitest(undefined, 0)).toMatchObject({
      passed: 0,
      failed: 1,
      complaint: 'the suite ended with code 0 and wrote no report',
    });
  });
});

describe('a run of Playwright', () => {
  function playwright(files: Record<string, string>, retries: number): SuiteCount {
    write(files);
    const cli = '@playwright/test/cli.js';
    const code = run(cli, ['test', '--reporter=json', `--retries=${retries}`], {
      PLAYWRIGHT_JSON_OUTPUT_NAME: 'result.json',
    });
    return countPlaywright(result(), code);
  }
  const start = `import { expect, test } from '@playwright/test';\n`;

  test('names what failed; a test that needed a second try is a failure', () => {
    const text = `${start}test('is fine', () => {});
      test.describe('a page', () => { test('opens', () => { console.log('says'); expect(1).toBe(2); }); });
      test('hesitates', ({}, { retry }) => { expect(retry).toBe(1); });`;
    const count = playwright({ 'e.spec.ts': text }, 1);
    expect(count).toMatchObject({ passed: 1, failed: 2, complaint: undefined });
    expect(count.failures.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      {
        file: 'e.spec.ts',
        name: 'a page > opens',
        error: expect.stringMatching(/^Error: expect\(received\)\.toBe[^]*Expected: 2/),
        output: expect.stringContaining('says'),
      },
      { file: 'e.spec.ts', name: 'hesitates', error: expect.stringContaining('Expected: 1'), output: '' },
    ]);
  });

  test('names what failed outside of every test', () => {
    const count = playwright({ 'f.spec.ts': `${start}throw new Error('no way in');` }, 0);
    expect(count).toMatchObject({ passed: 0, failed: 1, complaint: 'not one test ran' });
    expect(count.failures[0]!.error).toContain('no way in');
    expect(countPlaywright({ errors: [] }, 1)).toMatchObject({ passed: 0, failed: 1, failures: [] });
  });
});
