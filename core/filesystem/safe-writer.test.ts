import {
  closeSync,
  existsSync,
  futimesSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isPlainName } from './plain-name.ts';
import { createFile, finishFile, reopenFile, writeAt } from './restored-file.ts';
import { type OverwriteRule, SafeWriter } from './safe-writer.ts';

let scratch: string;
let root: string;
const names = (...parts: string[]): Buffer[] => parts.map((part) => Buffer.from(part));
const writer = (rule: OverwriteRule = 'refuse'): SafeWriter => new SafeWriter(root, rule);

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-writer-'));
  root = join(scratch, 'root');
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

test('S38: only one plain path segment is a name', () => {
  for (const good of ['a', '...', '..a', 'a..', ' ', '-', '\\', 'a\nb', '\xff', 'x'.repeat(255)])
    expect(isPlainName(Buffer.from(good, 'latin1')), JSON.stringify(good)).toBe(true);
  for (const bad of ['', '.', '..', '/', 'a/b', '/a', 'a/', '../a', 'a\0', '\0', 'x'.repeat(1021)])
    expect(isPlainName(Buffer.from(bad, 'latin1')), JSON.stringify(bad)).toBe(false);
});

test('S38: a path with any other name is refused before anything is made', () => {
  for (const bad of ['..', '.', '', 'a/b', 'a\0b']) {
    const refusal = expect.objectContaining({ code: 'unsafe_restore' }) as Error;
    expect(() => writer().pathOf(names('ok', bad))).toThrowError(refusal);
    expect(() => writer().folder(names('ok', bad, 'deeper'))).toThrowError(refusal);
  }
  expect(readdirSync(scratch)).toEqual(['root']);
});

test('S38: a link or a file where a folder belongs is never gone through, at any depth', () => {
  mkdirSync(join(root, 'a'), { recursive: true });
  const outside = join(scratch, 'outside');
  mkdirSync(outside);
  symlinkSync(outside, join(root, 'a/link'));
  symlinkSync('.', join(root, 'a/self'));
  writeFileSync(join(root, 'a/file'), '');
  for (const parent of ['link', 'self', 'file'])
    expect(() => writer().folder(names('a', parent, 'below'))).toThrowError(
      expect.objectContaining({ code: 'unsafe_restore' }),
    );
  expect(readdirSync(outside)).toEqual([]);
});

test('S38: creating and opening again follow no link, dangling ones included', () => {
  mkdirSync(root);
  const outside = join(scratch, 'outside');
  symlinkSync(outside, join(root, 'dangling'));
  writeFileSync(join(scratch, 'target'), 'mine');
  symlinkSync(join(scratch, 'target'), join(root, 'link'));
  for (const name of ['dangling', 'link']) {
    const place = writer().pathOf(names(name));
    expect(() => createFile(place)).toThrow(/EEXIST/);
    expect(() => reopenFile(place)).toThrow(/ELOOP/);
  }
  expect(existsSync(outside)).toBe(false);
  expect(readFileSync(join(scratch, 'target'), 'utf8')).toBe('mine');
});

test('what to do with a place follows the rule, and a folder is never replaced', () => {
  const at = 1_700_000_000;
  mkdirSync(join(root, 'folder'), { recursive: true });
  writeFileSync(join(root, 'file'), 'four');
  utimesSync(join(root, 'file'), at, at);
  const same = { size: 4, mtimeSeconds: at };
  const decide = (rule: OverwriteRule, name: string, wanted = same): string =>
    writer(rule).prepare(writer().pathOf(names(name)), wanted);
  for (const rule of ['refuse', 'if-different', 'always'] as const) {
    expect(decide(rule, 'free')).toBe('write');
    expect(decide(rule, 'folder')).toBe('keep');
  }
  const rules = ['refuse', 'if-different', 'if-newer', 'always'] as const;
  const decisions = (wanted: typeof same): string[] => rules.map((rule) => decide(rule, 'file', wanted));
  expect(decisions(same)).toEqual(['same', 'same', 'same', 'replace']);
  expect(decisions({ size: 5, mtimeSeconds: at })).toEqual(['keep', 'replace', 'newer', 'replace']);
  expect(decisions({ size: 4, mtimeSeconds: at + 0.01 })).toEqual(['keep', 'replace', 'replace', 'replace']);
  expect(decisions({ size: 4, mtimeSeconds: at - 0.01 })).toEqual(['keep', 'replace', 'newer', 'replace']);
  expect(readFileSync(join(root, 'file'), 'utf8')).toBe('four');
});

test('a link is there already when it points where it should, a further name when it is the same file', () => {
  mkdirSync(root);
  writeFileSync(join(root, 'first'), 'x');
  linkSync(join(root, 'first'), join(root, 'second'));
  writeFileSync(join(root, 'copy'), 'x');
  symlinkSync('here', join(root, 'link'));
  const safe = writer('if-different');
  const place = (name: string): Buffer => safe.pathOf(names(name));
  const wanted = { size: -1, mtimeSeconds: 0 };
  expect(safe.prepare(place('link'), { ...wanted, linkTarget: Buffer.from('here') })).toBe('same');
  expect(safe.prepare(place('link'), { ...wanted, linkTarget: Buffer.from('there') })).toBe('replace');
  expect(safe.prepare(place('second'), { ...wanted, firstName: place('first') })).toBe('same');
  expect(safe.prepare(place('copy'), { ...wanted, firstName: place('first') })).toBe('replace');
});

test('a file that a killed restore left unfinished is replaced by every rule, and never taken for a whole one', () => {
  mkdirSync(root);
  const at = 1_700_000_000;
  const wanted = { size: 4, mtimeSeconds: at };
  const place = writer().pathOf(names('file'));
  const fd = createFile(place, true);
  writeSync(fd, 'half');
  futimesSync(fd, at, at);
  closeSync(fd);
  for (const rule of ['refuse', 'if-different', 'if-newer', 'always'] as const)
    expect(writer(rule).prepare(place, wanted), rule).toBe('replace');
  finishFile(openSync(place, 'r+'), 4, {
    permissions: 0o644,
    mtimeNs: BigInt(at) * 1_000_000_000n,
    atimeNs: BigInt(at) * 1_000_000_000n,
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
  });
  expect(writer().prepare(place, wanted)).toBe('same');
});

test('replacing puts the new entry into its place and leaves nothing beside it, links to the same file too', () => {
  mkdirSync(root);
  const safe = writer('always');
  const place = safe.pathOf(names('file'));
  writeFileSync(place, 'old');
  const beside = safe.temporaryBeside(place);
  writeFileSync(beside, 'new');
  safe.moveInto(place, beside);
  const again = safe.temporaryBeside(place);
  safe.hardLink(again, place);
  safe.moveInto(place, again);
  expect(readFileSync(place, 'utf8')).toBe('new');
  expect(readdirSync(root)).toEqual(['file']);
});

test('zeros take no room, wherever they are, and the length is right', () => {
  mkdirSync(root);
  const place = writer().pathOf(names('holes'));
  const fd = createFile(place);
  const zeros = Buffer.alloc(1024 * 1024);
  const nearly = Buffer.alloc(100_000);
  nearly[70_000] = 1;
  writeAt(fd, zeros, 0);
  writeAt(fd, nearly, zeros.length);
  writeAt(fd, zeros, zeros.length + nearly.length);
  expect(finishFile(fd, 2 * zeros.length + nearly.length, undefined)).toBeUndefined();
  expect(readFileSync(place).equals(Buffer.concat([zeros, nearly, zeros]))).toBe(true);
  expect(statSync(place).blocks * 512).toBeLessThan(zeros.length);
});

test('metadata that the system refuses is told in words and the file stays', () => {
  mkdirSync(root);
  const place = writer().pathOf(names('file'));
  const fd = createFile(place);
  const refused = finishFile(fd, 0, {
    permissions: 0o640,
    mtimeNs: 1n,
    atimeNs: 0n,
    owner: { uid: -5, gid: 0 },
  });
  expect(refused).toMatch(/^the system refused its owner \(.+\)$/);
  expect(statSync(place).mode & 0o7777).toBe(0o640);
});
