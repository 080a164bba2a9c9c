import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { displayPath, type ScannedEntry, type ScannedFolder, type ScanOptions, SourceScan } from './scan.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-scan-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const entriesOf = (scan: SourceScan, folder: ScannedFolder): ScannedEntry[] | undefined => {
  const listing = scan.list(folder);
  return listing === undefined ? undefined : Array.from(listing.names, (_, at) => listing.entry(at));
};
const isFolder = (entry: ScannedEntry): entry is ScannedFolder => entry.kind === 'folder';

/** Paths below the temporary folder, as found. */
function pathsOf(options: Partial<ScanOptions> = {}): { paths: string[]; scan: SourceScan } {
  const scan = new SourceScan({ roots: [root], ...options });
  const paths: string[] = [];
  const visit = (folder: ScannedFolder): void => {
    for (const entry of entriesOf(scan, folder) ?? []) {
      const full = displayPath(entry.path);
      if (full.startsWith(`${root}/`)) paths.push(full.slice(root.length + 1) + (isFolder(entry) ? '/' : ''));
      if (isFolder(entry)) visit(entry);
    }
  };
  visit(scan.root());
  return { paths, scan };
}

function write(...files: string[]): void {
  for (const file of files) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), file);
  }
}

test('finds everything, in the order of the names’ bytes, with names that are no UTF-8', () => {
  write('b/1', 'a', 'B', '\uff5e', '\u{1f600}');
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff, 0xfe)]), '');
  symlinkSync('nowhere', join(root, 'link'));
  mkdirSync(join(root, 'empty'));
  execFileSync('mkfifo', [join(root, 'fifo')]);
  const { paths, scan } = pathsOf();
  expect(paths).toEqual(['B', 'a', 'b/', 'b/1', 'empty/', 'fifo', 'link', '\uff5e', '\u{1f600}', '\ufffd\ufffd']);
  expect(scan.problems).toEqual([]);
});

test('leaves out what is excluded, with all below it', () => {
  write('keep/x', 'cache/x', 'keep/x.tmp', 'keep/deep/cache/y', 'a[1]/x');
  expect(pathsOf({ excludes: ['cache', '*.tmp'], excludedFolders: [join(root, 'a[1]')] }).paths).toEqual([
    'keep/',
    'keep/deep/',
    'keep/x',
  ]);
});

test('a root inside an excluded folder is taken, and nothing else of that folder', () => {
  write('state/secret', 'state/canary/file', 'data');
  const { paths } = pathsOf({ roots: [root, join(root, 'state/canary')], excludedFolders: [join(root, 'state')] });
  expect(paths).toEqual(['data', 'state/', 'state/canary/', 'state/canary/file']);
});

test('roots that lie in one another are one', () => {
  write('a/b/c', 'a/d');
  expect(pathsOf({ roots: [join(root, 'a/b'), root, join(root, 'a'), root] }).paths).toEqual([
    'a/',
    'a/b/',
    'a/b/c',
    'a/d',
  ]);
});

test('of a path outside of the roots only what leads to them is listed', () => {
  write('a/wanted/x', 'a/other', 'b');
  expect(pathsOf({ roots: [join(root, 'a/wanted')] }).paths).toEqual(['a/', 'a/wanted/', 'a/wanted/x']);
  expect(pathsOf({ roots: [join(root, 'a/other')] }).paths).toEqual(['a/', 'a/other']);
});

test('a root that is a link is followed; other links are taken as links', () => {
  write('real/x');
  symlinkSync('real', join(root, 'linked'));
  expect(pathsOf({ roots: [join(root, 'linked')] }).paths).toEqual(['linked/', 'linked/x']);
  expect(pathsOf().paths).toEqual(['linked', 'real/', 'real/x']);
});

test.each([
  ['does not exist', 'nothing'],
  ['is empty', 'empty'],
  ['does not exist', 'dangling'],
  ['does not exist', 'file/below'],
])('a source that %s is refused: %s', (problem, name) => {
  mkdirSync(join(root, 'empty'));
  write('file');
  symlinkSync('nowhere', join(root, 'dangling'));
  const refused = expect.objectContaining({ code: 'source_missing', message: expect.stringContaining(problem) });
  expect(() => new SourceScan({ roots: [root, join(root, name)] })).toThrow(refused);
});

test('a source without any root is refused', () => {
  expect(() => new SourceScan({ roots: [] })).toThrow(expect.objectContaining({ code: 'source_missing' }));
});

test('a source of which everything is excluded is refused', () => {
  write('a.tmp', 'b.tmp');
  expect(() => pathsOf({ excludes: ['*.tmp'] })).toThrow(expect.objectContaining({ code: 'source_missing' }));
});

test('a source that is emptied after the beginning is refused', () => {
  write('a');
  const scan = new SourceScan({ roots: [root] });
  rmSync(join(root, 'a'));
  const walk = (folder: ScannedFolder): void => {
    for (const entry of entriesOf(scan, folder) ?? []) if (isFolder(entry)) walk(entry);
  };
  expect(() => walk(scan.root())).toThrow(expect.objectContaining({ code: 'source_missing' }));
});

test('where roots may be lacking, the others are scanned, and each that lacks is told once', () => {
  write('kept/x', 'late/y', 'lost/z');
  mkdirSync(join(root, 'empty'));
  const roots = ['kept', 'late', 'lost', 'empty', 'never', 'never/deeper'].map((name) => join(root, name));
  const scan = new SourceScan({ roots, mayLackRoots: true });
  expect(scan.roots).toEqual(roots.slice(0, 4));
  // After the beginning: one is emptied, one is gone with its folder.
  rmSync(join(root, 'late', 'y'));
  rmSync(join(root, 'lost'), { recursive: true });
  const found: string[] = [];
  const walk = (folder: ScannedFolder): void => {
    for (const entry of entriesOf(scan, folder) ?? []) {
      found.push(displayPath(entry.path));
      if (isFolder(entry)) walk(entry);
    }
  };
  walk(scan.root());
  expect(found).toContain(join(root, 'kept', 'x'));
  expect(scan.problems.map(({ path, reason }) => [path.slice(root.length + 1), reason])).toEqual([
    ['empty', 'vanished'],
    ['never', 'vanished'],
    ['never/deeper', 'vanished'],
    ['lost', 'vanished'],
    ['late', 'vanished'],
  ]);
});

test('when all roots lack in the end, the scan is refused after all', () => {
  write('a/x', 'b/y');
  const scan = new SourceScan({ roots: [join(root, 'a'), join(root, 'b'), join(root, 'c')], mayLackRoots: true });
  for (const name of ['a', 'b']) rmSync(join(root, name), { recursive: true });
  const walk = (folder: ScannedFolder): void => {
    for (const entry of entriesOf(scan, folder) ?? []) if (isFolder(entry)) walk(entry);
  };
  expect(() => walk(scan.root())).toThrow(expect.objectContaining({ code: 'source_missing' }));
});

test('a folder that vanishes is a problem and no error', () => {
  write('a/x', 'b');
  const scan = new SourceScan({ roots: [root] });
  const find = (folder: ScannedFolder, name: string): ScannedFolder => {
    const found = (entriesOf(scan, folder) ?? []).find((entry) => entry.name.toString() === name);
    if (found === undefined || !isFolder(found)) throw new Error(`no folder ${name}`);
    return found;
  };
  let folder = scan.root();
  for (const part of root.split('/').filter(Boolean)) folder = find(folder, part);
  const lost = find(folder, 'a');
  rmSync(join(root, 'a'), { recursive: true });
  expect(scan.list(lost)).toBeUndefined();
  expect(scan.problems).toMatchObject([{ path: join(root, 'a'), reason: 'vanished' }]);
});

test('sockets are counted and left out', async () => {
  write('x');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve));
  try {
    const { paths, scan } = pathsOf();
    expect(paths).toEqual(['x']);
    expect(scan.socketsSkipped).toBe(1);
    expect(scan.problems).toEqual([]);
  } finally {
    server.close();
  }
});

test('with one file system, another one that is mounted inside is an empty folder', () => {
  expect(statSync('/proc').dev, 'this test needs /proc to be mounted').not.toBe(statSync('/').dev);
  for (const oneFileSystem of [true, false]) {
    const scan = new SourceScan({ roots: ['/'], oneFileSystem });
    const proc = (entriesOf(scan, scan.root()) ?? []).find(({ name }) => name.toString() === 'proc');
    if (proc === undefined || !isFolder(proc)) throw new Error('no /proc');
    expect((entriesOf(scan, proc) ?? []).length > 0).toBe(!oneFileSystem);
  }
});
