import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { prepareChildCode } from './prepare-child-code.ts';

const code = prepareChildCode();
const folder = code.readable[0]!;
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => path.join(parentPath, name))
  .filter((file) => !file.includes('/node_modules/', folder.length));

test('the child’s code is there without types, with all that it reaches, for every user to read', () => {
  expect(code.childFile).toMatch(/workers\/sandbox\/child\.js$/);
  expect(files.filter((file) => file.endsWith('.ts'))).toEqual([]);
  expect(statSync(folder).mode & 0o005).toBe(0o005);
  for (const file of files) {
    expect(statSync(file).mode & 0o004, file).toBe(0o004);
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/^import [^;]*from '(\.[^']+)'/gm))
      expect(existsSync(path.resolve(file, '..', name!)), `${file}: ${name}`).toBe(true);
  }
});

test('it has threads of its own for checks and restores, and the packages that it asks for', () => {
  const names = files.map((file) => path.relative(folder, file));
  for (const name of ['check/check-worker.js', 'restore/restore-worker.js', 'check/pack-task.js'])
    expect(names).toContain(`core/repository/${name}`);
  for (const name of ['yazl', 'buffer-crc32']) expect(existsSync(path.join(folder, 'node_modules', name))).toBe(true);
});

test('what it loads, now or later, needs no package that it may not read', () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file) || !file.endsWith('.js')) return;
    seen.add(file);
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/(?:^import |from |import\(|new URL\()'([^']+)'/gm))
      if (name!.startsWith('.')) visit(path.resolve(file, '..', name!));
      else if (!name!.startsWith('node:')) packages.add(name!);
  };
  visit(code.childFile);
  expect(seen.size).toBeGreaterThan(50);
  expect([...packages]).toEqual(['yazl']);
});
