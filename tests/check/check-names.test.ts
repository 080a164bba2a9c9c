import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const CHECKER = fileURLToPath(new URL('../../tools/check/check-names.mjs', import.meta.url));

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'holdfast-names-'));
  write('core/README.md', '# core');
  write('core/base/README.md', '# base');
  write('core/base/clean-file.ts', 'export const value = 1;');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}

function check(folder = root): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CHECKER, folder], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe('check-names', () => {
  test('a tree that keeps the rules is clean', () => {
    write('app/README.md', '# app\n- `sign-in/`: where people begin');
    write('app/sign-in/page.tsx', 'export const value = 1;');
    write('app/devices/[id]/page.client.tsx', 'export const value = 1;');
    write('app/(portal)/_ui/badge.tsx', 'export const value = 1;');
    write('app/devices/README.md', '# devices');
    write('app/(portal)/README.md', '# portal');
    expect(check()).toEqual({ status: 0, output: '4 files, 0 violations\n' });
  });

  test.each([
    ['core/base/CamelCase.ts', 'export const a = 1;', /CamelCase\.ts: file names are kebab-case/],
    ['core/base/snake_case.ts', 'export const a = 1;', /snake_case\.ts: file names are kebab-case/],
    ['core/base/Deep/file.ts', 'export const a = 1;', /folder name Deep is not kebab-case/],
    ['core/base/string-utils.ts', 'export const a = 1;', /"utils" says nothing/],
    ['core/base/helpers/text.ts', 'export const a = 1;', /"helpers" says nothing/],
    ['core/base/long.ts', 'export const a = 1;\n'.repeat(451), /long\.ts: has 452 lines/],
    [
      'core/base/index.ts',
      "// all of it\nexport * from './clean-file.ts';\nexport { a } from './a.ts';\n",
      /only passes on/,
    ],
    ['core/new/file.ts', 'export const a = 1;', /core\/new: has neither a README\.md nor a head comment/],
  ])('finds what is wrong with %s', (file, text, expected) => {
    write(file, text);
    const { status, output } = check();
    expect(output).toMatch(expected);
    expect(output).toContain(' 1 violations');
    expect(status).toBe(1);
  });

  test('a folder without one source file is a failure, not a success', () => {
    const empty = mkdtempSync(path.join(tmpdir(), 'holdfast-names-empty-'));
    try {
      expect(check(empty)).toMatchObject({ status: 1, output: expect.stringContaining('no source file was found') });
    } finally {
      rmSync(empty, { recursive: true, force: true });
    }
  });
});
