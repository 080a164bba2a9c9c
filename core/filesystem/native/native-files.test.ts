import { execFileSync } from 'node:child_process';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type NativeFiles, nativeFiles } from './native-files.ts';

let folder: string;
let files: NativeFiles;
const at = (name: string): Buffer => Buffer.from(join(folder, name));
const text = (value: string): Buffer => Buffer.from(value, 'latin1');
const namesOf = (place: Buffer | number): string[] =>
  files.attributeNames(place).map((name) => name.toString('latin1'));
const isRoot = process.getuid?.() === 0;

beforeEach(() => {
  const native = nativeFiles();
  if (native.files === undefined) throw new Error(`these tests need libc: ${native.missing}`);
  files = native.files;
  folder = mkdtempSync(join(tmpdir(), 'holdfast-native-'));
  writeFileSync(at('file'), 'x');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('extended attributes', () => {
  test('are what another program reads, by path and by open file, empty and binary values too', () => {
    const fd = openSync(at('file'), 'r');
    try {
      const values = { 'user.empty': text(''), 'user.b\xc3\xa9': text('\0\xff\n'), 'user.long': Buffer.alloc(3000, 7) };
      for (const [at2, [name, value]] of Object.entries(values).entries())
        files.setAttribute(at2 % 2 === 0 ? fd : at('file'), text(name), value);
      for (const place of [at('file'), fd]) {
        expect(namesOf(place).sort()).toEqual(Object.keys(values).sort());
        for (const [name, value] of Object.entries(values)) expect(files.attribute(place, text(name))).toEqual(value);
      }
      const script = `import os,sys
for n in sorted(os.listxattr(sys.argv[1])): print(n, os.getxattr(sys.argv[1], n).hex()[:12])`;
      expect(execFileSync('python3', ['-c', script, join(folder, 'file')], { encoding: 'utf8' })).toBe(
        'user.b\u00e9 00ff0a\nuser.empty \nuser.long 070707070707\n',
      );
      files.removeAttribute(fd, text('user.empty'));
      files.removeAttribute(at('file'), text('user.long'));
      expect(namesOf(fd)).toEqual(['user.b\xc3\xa9']);
    } finally {
      closeSync(fd);
    }
  });

  test('are all there, however long the list of their names is', () => {
    const names = Array.from({ length: 60 }, (_, number) => `user.${'long-'.repeat(8)}${number}`);
    for (const name of names) files.setAttribute(at('file'), text(name), text('v'));
    const fd = openSync(at('file'), 'r');
    for (const place of [at('file'), fd]) expect(namesOf(place).sort()).toEqual(names.toSorted(undefined));
    closeSync(fd);
  });

  test('of a link are its own, and its target keeps what it has', () => {
    files.setAttribute(at('file'), text('user.of-target'), text('1'));
    symlinkSync('file', at('link'));
    expect(namesOf(at('link'))).toEqual([]);
    // Linux allows no user attributes on links: it must be the link that is asked.
    expect(() => files.setAttribute(at('link'), text('user.of-link'), text('1'))).toThrow(
      expect.objectContaining({ code: 'EPERM' }),
    );
    expect(namesOf(at('file'))).toEqual(['user.of-target']);
  });

  test('what the system refuses comes as an error with its code', () => {
    const refused = (code: string): unknown => expect.objectContaining({ code });
    expect(() => files.attributeNames(at('missing'))).toThrow(refused('ENOENT'));
    expect(() => files.attribute(at('file'), text('user.none'))).toThrow(refused('ENODATA'));
    expect(() => files.removeAttribute(at('file'), text('user.none'))).toThrow(refused('ENODATA'));
    expect(() => files.setAttribute(at('file'), text('nonsense'), text(''))).toThrow(refused('ENOTSUP'));
    expect(() => files.setAttribute(at('file'), text(`user.${'n'.repeat(251)}`), text(''))).toThrow(refused('ERANGE'));
    expect(() => files.setAttribute(at('file'), text('user.a\0b'), text(''))).toThrow(refused('EINVAL'));
    expect(() => files.attributeNames(text('/tmp\0/x'))).toThrow(refused('EINVAL'));
    expect(() => files.attributeNames(Buffer.alloc(4096, '/'))).toThrow(refused('ENAMETOOLONG'));
    expect(() => files.attributeNames(99_999)).toThrow(refused('EBADF'));
  });

  test('a file system without attributes has none, and that is no error', () => {
    expect(files.attributeNames(Buffer.from('/proc/self/status'))).toEqual([]);
  });
});

describe('times', () => {
  test.each([0n, 1n, -1n, -1_500_000_001n, 1_700_000_000_123_456_789n, 4_102_444_800_000_000_001n])(
    '%d nanoseconds from 1970 are set exactly, on files, open files, folders and links',
    (ns) => {
      mkdirSync(at('folder'));
      symlinkSync('file', at('link'));
      utimesSync(at('file'), 5, 5);
      for (const name of ['folder', 'link']) files.setTimes(at(name), ns + 2n, ns);
      expect(lstatSync(at('file'), { bigint: true }).mtimeNs, 'a link was followed').toBe(5_000_000_000n);
      const fd = openSync(at('file'), 'r');
      files.setTimes(fd, ns + 2n, ns);
      closeSync(fd);
      for (const name of ['file', 'folder', 'link']) {
        const { atimeNs, mtimeNs } = lstatSync(at(name), { bigint: true });
        expect([name, atimeNs, mtimeNs]).toEqual([name, ns + 2n, ns]);
      }
    },
  );
});

describe('nodes', () => {
  test('a fifo has its type and, afterwards, its whole mode', () => {
    files.makeNode(at('fifo'), 0o010_600, 0n);
    files.setMode(at('fifo'), 0o5642);
    expect(lstatSync(at('fifo')).mode).toBe(0o015_642);
    expect(() => files.makeNode(at('fifo'), 0o010_600, 0n)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  });

  test.runIf(isRoot)('devices have their numbers, large ones too', () => {
    // Major 259, minor 0x12345: both are wider than a byte. The words of the kernel's encoding.
    const large = (0x12345n & 0xffn) | (259n << 8n) | ((0x12345n & ~0xffn) << 12n);
    files.makeNode(at('null'), 0o020_600, 259n);
    files.makeNode(at('disk'), 0o060_600, large);
    expect(lstatSync(at('null'), { bigint: true })).toMatchObject({ mode: 0o020_600n, rdev: 259n });
    expect(lstatSync(at('disk'), { bigint: true })).toMatchObject({ mode: 0o060_600n, rdev: large });
    const stat = execFileSync('stat', ['-c', '%t:%T', join(folder, 'disk')], { encoding: 'utf8' });
    expect(stat.trim()).toBe('103:12345');
  });

  test('a mode is never set through a link', () => {
    symlinkSync('file', at('link'));
    const before = lstatSync(at('file')).mode;
    expect(() => files.setMode(at('link'), 0o777)).toThrow(expect.objectContaining({ syscall: 'fchmodat' }));
    expect(lstatSync(at('file')).mode).toBe(before);
  });
});

test('every thread loads it for itself', async () => {
  files.setAttribute(at('file'), text('user.a'), text('1'));
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.module).then(({ nativeFiles }) => {
      const { files } = nativeFiles();
      let names;
      for (let at = 0; at < 1000; at += 1) names = files.attributeNames(Buffer.from(workerData.path));
      parentPort.postMessage(names.map(String));
    });`;
  const workerData = { module: new URL('./native-files.ts', import.meta.url).href, path: join(folder, 'file') };
  const workers = [1, 2, 3].map(() => new Worker(source, { eval: true, workerData }));
  const answers = workers.map(
    (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)),
  );
  for (let round = 0; round < 1000; round += 1) expect(namesOf(at('file'))).toEqual(['user.a']);
  expect(await Promise.all(answers)).toEqual([['user.a'], ['user.a'], ['user.a']]);
  await Promise.all(workers.map((worker) => worker.terminate()));
});
