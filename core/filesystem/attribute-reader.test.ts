import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AttributeReader } from './attribute-reader.ts';
import { type NativeFiles, nativeFiles } from './native/native-files.ts';
import { displayPath, type ScannedEntry, type ScannedFolder, type ScanProblem, SourceScan } from './scan.ts';

let root: string;
let files: NativeFiles;
let problems: ScanProblem[];
let warnings: string[];

beforeEach(() => {
  const native = nativeFiles();
  if (native.files === undefined) throw new Error(`these tests need libc: ${native.missing}`);
  files = native.files;
  root = mkdtempSync(join(tmpdir(), 'holdfast-attributes-'));
  problems = [];
  warnings = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const set = (name: string, attribute: string, value: string): void =>
  files.setAttribute(Buffer.from(join(root, name)), Buffer.from(attribute, 'latin1'), Buffer.from(value));

function reader(options: { native?: NativeFiles; withoutNative?: boolean } = {}): AttributeReader {
  const { native, withoutNative = false } = options;
  return new AttributeReader({
    withoutNative,
    ...(native === undefined ? {} : { native: { files: native } }),
    onProblem: (problem) => problems.push(problem),
    onWarning: (path, reason) => warnings.push(`${path}: ${reason}`),
  });
}

/** The entries below the temporary folder, and itself, by name. */
function scanned(source = root): Map<string, ScannedEntry | ScannedFolder> {
  const scan = new SourceScan({ roots: [source] });
  const entries = new Map<string, ScannedEntry | ScannedFolder>();
  const visit = (folder: ScannedFolder): void => {
    const listing = scan.list(folder);
    for (let at = 0; at < (listing?.length ?? 0); at += 1) {
      const entry = listing!.entry(at);
      entries.set(displayPath(entry.path), entry);
      if ('scope' in entry) visit(entry);
    }
  };
  visit(scan.root());
  return entries;
}

/** With one call that fails as the system may let it fail. */
function failing(call: 'attributeNames' | 'attribute', code: string, when: (name: string) => boolean): NativeFiles {
  const refuse = (): never => {
    throw Object.assign(new Error(code), { code });
  };
  return {
    ...files,
    attributeNames: (place) =>
      call === 'attributeNames' && when(String(place)) ? refuse() : files.attributeNames(place),
    attribute: (place, name) =>
      call === 'attribute' && when(Buffer.from(name).toString()) ? refuse() : files.attribute(place, name),
  };
}

test('a root that is reached through a link has the attributes of what the link leads to', () => {
  mkdirSync(join(root, 'real'));
  writeFileSync(join(root, 'real/file'), '');
  set('real', 'user.of-folder', 'yes');
  symlinkSync('real', join(root, 'linked'));
  const entry = scanned(join(root, 'linked')).get(join(root, 'linked'))!;
  expect(
    reader()
      .of(entry)
      .map(({ name, value }) => `${String(name)}=${String(value)}`),
  ).toEqual(['user.of-folder=yes']);
});

test('attributes that cannot be listed are a problem of the entry; a folder on the way to the source may keep its own', () => {
  mkdirSync(join(root, 'folder'));
  writeFileSync(join(root, 'folder/file'), '');
  const entries = scanned(join(root, 'folder'));
  const denied = reader({ native: failing('attributeNames', 'EACCES', () => true) });
  for (const entry of entries.values()) expect(denied.of(entry)).toEqual([]);
  expect(problems.map(({ path }) => path)).toEqual([join(root, 'folder'), join(root, 'folder/file')]);
  expect(problems[0]).toMatchObject({
    reason: 'permission_denied',
    message: expect.stringContaining('all else of it is kept'),
  });

  problems = [];
  const gone = reader({ native: failing('attributeNames', 'ENOENT', () => true) });
  gone.of(entries.get(join(root, 'folder/file'))!);
  expect(problems, 'whoever reads the file tells that it is gone').toEqual([]);
});

test('one attribute that cannot be read is told, and the others are kept', () => {
  writeFileSync(join(root, 'file'), '');
  for (const name of ['user.a', 'user.b', 'user.c']) set('file', name, name);
  const some = reader({ native: failing('attribute', 'EPERM', (name) => name === 'user.b') });
  expect(
    some
      .of(scanned().get(join(root, 'file'))!)
      .map(({ name }) => String(name))
      .sort(),
  ).toEqual(['user.a', 'user.c']);
  expect(warnings).toEqual([`${join(root, 'file')}: its extended attribute user.b could not be read (EPERM)`]);
  expect(problems).toEqual([]);
});

test('a name that is no UTF-8 is told, for the format cannot hold it', () => {
  writeFileSync(join(root, 'file'), '');
  set('file', 'user.\xff', 'x');
  expect(reader().of(scanned().get(join(root, 'file'))!)).toHaveLength(1);
  expect(warnings).toEqual([expect.stringContaining('is no UTF-8')]);
});

test('without libc there are none, and that is said once', () => {
  writeFileSync(join(root, 'file'), '');
  set('file', 'user.a', 'a');
  const without = reader({ withoutNative: true });
  for (const entry of scanned().values()) expect(without.of(entry)).toEqual([]);
  expect(warnings).toEqual([
    expect.stringMatching(/^\/: extended attributes and ACLs are in no entry of this backup: /),
  ]);
});
