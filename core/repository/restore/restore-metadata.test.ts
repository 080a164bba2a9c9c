/** What a restore gives back besides contents, and what it says when it cannot. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BlobIndex } from '../blob-index.ts';
import { noise } from '../testing/noise.ts';
import {
  buildRepository,
  fileNode,
  folderNode,
  linkNode,
  node,
  type TestRepository,
} from '../testing/build-repository.ts';
import type { TreeNode } from '../types.ts';
import { restore, type RestoreOptions, type RestoreResult } from './restore.ts';

vi.setConfig({ testTimeout: 120_000 });

const GO_SETUID = 0x0080_0000;
const GO_SETGID = 0x0040_0000;
const GO_STICKY = 0x0010_0000;
const isRoot = process.getuid?.() === 0;

let scratch: string;
let target: string;
let built: TestRepository;

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-metadata-'));
  target = join(scratch, 'target');
  built = await buildRepository();
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

async function restoreNodes(nodes: readonly TreeNode[], options: Partial<RestoreOptions> = {}): Promise<RestoreResult> {
  const snapshot = await built.snapshot(await built.tree(nodes));
  return await restore(built.repo, await BlobIndex.load(built.repo), { snapshot, targetDir: target, ...options });
}

const attribute = (name: string, value: string | Uint8Array) => ({
  name: Buffer.from(name),
  value: Buffer.from(value),
});
const at = (name: string): Buffer => Buffer.from(join(target, name));

/** As another program sees them: names and values in hex. */
function attributesOf(name: string): Record<string, string> {
  const script = `import os,sys,json
p=sys.argv[1]
print(json.dumps({n: os.getxattr(p, n, follow_symlinks=False).hex() for n in os.listxattr(p, follow_symlinks=False)}))`;
  return JSON.parse(execFileSync('python3', ['-c', script, join(target, name)], { encoding: 'utf8' })) as Record<
    string,
    string
  >;
}

/** The system's form of an ACL: version 2, then tag, permissions and id of each entry. */
function acl(...entries: readonly (readonly [tag: number, permissions: number, id: number])[]): Buffer {
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(2);
  for (const [number, [tag, permissions, id]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + number * 8);
    bytes.writeUInt16LE(permissions, 6 + number * 8);
    bytes.writeUInt32LE(id, 8 + number * 8);
  }
  return bytes;
}
const NOBODY_ID = 0xffff_ffff;
const ACCESS = acl([1, 6, NOBODY_ID], [2, 4, 1234], [4, 4, NOBODY_ID], [0x10, 4, NOBODY_ID], [0x20, 0, NOBODY_ID]);

describe('extended attributes and ACLs', () => {
  test('come back on files, empty ones too, on folders and on links', async () => {
    await built.pack('data', [Buffer.from('x')]);
    const inner = await built.tree([]);
    const onLink = isRoot ? [attribute('trusted.of-link', 'l')] : [];
    const result = await restoreNodes([
      fileNode('acl', [Buffer.from('x')], {
        mode: 0o640,
        extendedAttributes: [attribute('system.posix_acl_access', ACCESS)],
      }),
      fileNode('empty', [], { mode: 0o400, extendedAttributes: [attribute('user.empty', '')] }),
      fileNode('file', [Buffer.from('x')], {
        extendedAttributes: [attribute('user.b', 'two'), attribute('user.a', '\0\n')],
      }),
      {
        ...folderNode('folder', inner),
        mode: 0x8000_0000 + 0o500,
        extendedAttributes: [attribute('user.of-folder', 'f')],
      },
      { ...linkNode('link', 'file'), extendedAttributes: onLink },
    ]);
    expect(result).toMatchObject({ warnings: [], damaged: [] });
    expect(attributesOf('acl')).toEqual({ 'system.posix_acl_access': ACCESS.toString('hex') });
    expect(statSync(at('acl')).mode & 0o777).toBe(0o640);
    expect(attributesOf('empty')).toEqual({ 'user.empty': '' });
    expect(attributesOf('file')).toEqual({ 'user.b': '74776f', 'user.a': '000a' });
    expect(attributesOf('folder')).toEqual({ 'user.of-folder': '66' });
    expect(attributesOf('link')).toEqual(isRoot ? { 'trusted.of-link': '6c' } : {});
  });

  test('that the folder above hands down are not added to those of the backup', async () => {
    mkdirSync(target);
    const give = 'import os,sys; os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]))';
    execFileSync('python3', ['-c', give, target, 'system.posix_acl_default', ACCESS.toString('hex')]);
    writeFileSync(join(target, 'witness'), '');
    expect(attributesOf('witness'), 'this file system hands down no ACLs').not.toEqual({});
    await built.pack('data', [Buffer.from('x')]);
    const result = await restoreNodes([
      fileNode('file', [Buffer.from('x')]),
      folderNode('folder', await built.tree([])),
    ]);
    expect(result.warnings).toEqual([]);
    expect([attributesOf('file'), attributesOf('folder')]).toEqual([{}, {}]);
  });

  test('that the system refuses are named, and the rest of the entry is restored', async () => {
    await built.pack('data', [Buffer.from('x')]);
    const hostile = ['nonsense.x', '', 'user.\0b', `user.${'y'.repeat(300)}`, 'user.\x1b[2J'];
    const extendedAttributes = [...hostile, 'user.a'].map((name) => attribute(name, 'a'));
    const result = await restoreNodes([fileNode('file', [Buffer.from('x')], { extendedAttributes })]);
    expect(result.warnings).toEqual([
      {
        path: '/file',
        reason: `the system refused its ${[
          'nonsense.x (ENOTSUP)',
          ' (EINVAL)',
          'user.\ufffdb (EINVAL)',
          `user.${'y'.repeat(250)} (ERANGE)`,
        ]
          .map((name) => `extended attribute ${name}`)
          .join(' and its ')}`,
      },
    ]);
    expect(result).toMatchObject({ filesRestored: 1, damaged: [] });
    expect(attributesOf('file')).toEqual({ 'user.a': '61', 'user.\x1b[2J': '61' });
  });

  test('of a file that is there already become those of the backup where files may be replaced', async () => {
    const nodes = (value: string) => [
      fileNode('file', [], { extendedAttributes: [attribute('user.a', value)] }),
      fileNode('plain', []),
    ];
    await restoreNodes(nodes('before'));
    execFileSync('python3', ['-c', 'import os,sys; os.setxattr(sys.argv[1], "user.new", b"x")', join(target, 'plain')]);
    const kept = await restoreNodes(nodes('after'));
    expect(kept).toMatchObject({ unchanged: 2, warnings: [] });
    expect(attributesOf('file')).toEqual({ 'user.a': Buffer.from('before').toString('hex') });
    const refreshed = await restoreNodes(nodes('after'), { overwrite: 'if-different' });
    expect(refreshed).toMatchObject({ unchanged: 2, filesRestored: 0, warnings: [] });
    expect(attributesOf('file')).toEqual({ 'user.a': Buffer.from('after').toString('hex') });
    expect(attributesOf('plain')).toEqual({});
  });

  test('come back from restore threads as well', async () => {
    const pieces = Array.from({ length: 9 }, (_, number) => noise(4 * 1024 * 1024, `piece ${number}`));
    for (const piece of pieces) await built.pack('data', [piece], { isCompressed: false });
    const nodes = pieces.map((piece, number) =>
      fileNode(`${number}`, [piece], {
        mtime: `1969-12-31T23:59:58.00000000${number + 1}Z`,
        extendedAttributes: [attribute('user.number', String(number))],
      }),
    );
    expect(await restoreNodes(nodes)).toMatchObject({ warnings: [], damaged: [] });
    for (const number of pieces.keys()) {
      expect(attributesOf(String(number))).toEqual({ 'user.number': Buffer.from(String(number)).toString('hex') });
      expect(lstatSync(at(String(number)), { bigint: true }).mtimeNs).toBe(-2_000_000_000n + BigInt(number) + 1n);
    }
  });
});

test('times are exact to the nanosecond, on both sides of 1970, for every type of entry', async () => {
  const times = { mtime: '1955-11-05T06:15:00.000000001+01:00', atime: '2038-01-19T03:14:08.123456789Z' };
  const nodes = [
    { ...node('fifo', 'fifo', 0x0200_0000 + 0o600), ...times },
    fileNode('file', [], times),
    { ...folderNode('folder', await built.tree([fileNode('inner', [])])), ...times },
    { ...linkNode('link', 'nowhere'), ...times },
  ];
  expect((await restoreNodes(nodes)).warnings).toEqual([]);
  for (const { name } of nodes) {
    const { atimeNs, mtimeNs } = lstatSync(at(String(name)), { bigint: true });
    expect([String(name), mtimeNs, atimeNs]).toEqual([
      String(name),
      -446_755_499_999_999_999n,
      2_147_483_648_123_456_789n,
    ]);
  }
});

describe('devices and fifos', () => {
  test.runIf(isRoot)('come back with numbers, modes, owners and attributes, and are never opened', async () => {
    const facts = { uid: 12, gid: 34 };
    const result = await restoreNodes([
      { ...node('block', 'dev', 0x0400_0000 + 0o660), ...facts, device: 0x0810n },
      { ...node('char', 'chardev', 0x0420_0000 + 0o622), ...facts, device: 0x0103n },
      { ...node('fifo', 'fifo', 0x0200_0000 + GO_SETGID + GO_STICKY + 0o604), ...facts },
      { ...node('with', 'fifo', 0x0200_0000 + 0o604), extendedAttributes: [attribute('trusted.a', 'a')] },
    ]);
    expect(result).toMatchObject({ warnings: [], damaged: [], skipped: [] });
    const seen = (name: string) => {
      const { mode, rdev, uid, gid } = lstatSync(at(name));
      return [mode.toString(8), rdev, uid, gid];
    };
    expect(seen('block')).toEqual(['60660', 0x0810, 12, 34]);
    expect(seen('char')).toEqual(['20622', 0x0103, 12, 34]);
    expect(seen('fifo')).toEqual(['13604', 0, 12, 34]);
    expect(attributesOf('with')).toEqual({ 'trusted.a': '61' });
  });

  test('one that cannot be made is a warning, and the rest is restored', async () => {
    const large = { ...node('large', 'dev', 0x0400_0000 + 0o660), device: (1n << 32n) + 0x0103n };
    const result = await restoreNodes([
      fileNode('file', []),
      large,
      node('x'.repeat(300), 'fifo', 0x0200_0000 + 0o600),
    ]);
    expect(result.warnings).toEqual([
      { path: '/large', reason: 'it is not restored: no device has its number' },
      {
        path: `/${'x'.repeat(300)}`,
        reason: 'a fifo is not restored: its name is too long for this file system (ENAMETOOLONG)',
      },
    ]);
    expect(result).toMatchObject({ filesRestored: 1, damaged: [] });
    expect(readdirSync(target)).toEqual(['file']);
  });

  test('what stands in their place stays, or is replaced when that was asked', async () => {
    const fifo = node('fifo', 'fifo', 0x0200_0000 + 0o600);
    mkdirSync(target);
    writeFileSync(join(target, 'fifo'), 'mine');
    expect((await restoreNodes([fifo])).skipped).toEqual(['/fifo']);
    expect(lstatSync(at('fifo')).isFile()).toBe(true);
    expect((await restoreNodes([fifo], { overwrite: 'always' })).skipped).toEqual([]);
    expect(lstatSync(at('fifo')).isFIFO()).toBe(true);
    expect(await restoreNodes([fifo])).toMatchObject({ skipped: [], unchanged: 1, warnings: [] });
    expect(readdirSync(target)).toEqual(['fifo']);
  });

  test('are left out of a restore of contents alone, which is a drill’s, and that is told', async () => {
    const special = { ...node('null', 'chardev', 0x0420_0000 + 0o666), device: 0x0103n };
    const program = fileNode('program', [], {
      mode: GO_SETUID + 0o755,
      extendedAttributes: [attribute('user.a', 'a')],
    });
    const result = await restoreNodes([special, program], { withMetadata: false });
    expect(result.warnings).toEqual([{ path: '/null', reason: 'a chardev is not restored' }]);
    expect(readdirSync(target)).toEqual(['program']);
    expect(statSync(at('program')).mode & 0o7000).toBe(0);
    expect(attributesOf('program')).toEqual({});
  });
});

/** What the script wrote, run as somebody who may not give files away. */
function runAsNobody(script: string): unknown {
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    uid: 65_534,
    gid: 65_534,
  });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as unknown;
}

function applyAsNobody(place: string, metadata: object): { readonly warning: string | null } {
  const module = new URL('../../filesystem/entry-metadata.ts', import.meta.url).href;
  const script = `import { openSync } from 'node:fs';
    const { applyMetadata } = await import(${JSON.stringify(module)});
    const metadata = { ...${JSON.stringify(metadata)}, mtimeNs: 1n, atimeNs: 1n };
    console.log(JSON.stringify({ warning: applyMetadata(openSync(${JSON.stringify(place)}, 'r'), metadata) ?? null }));`;
  return runAsNobody(script) as { readonly warning: string | null };
}

test.runIf(isRoot)('a program never runs as an owner that is not the one of the backup', () => {
  chmodSync(scratch, 0o755);
  const place = join(scratch, 'program');
  writeFileSync(place, '', { mode: 0o600 });
  chownSync(place, 65_534, 65_534);
  const foreign = applyAsNobody(place, { permissions: 0o6755, owner: { uid: 0, gid: 65_534 } });
  expect(foreign.warning).toMatch(/^its setuid or setgid bit was dropped/);
  expect(statSync(place).mode & 0o7777).toBe(0o2755);
  expect(applyAsNobody(place, { permissions: 0o6711, owner: { uid: 65_534, gid: 65_534 } }).warning).toBeNull();
  expect(statSync(place).mode & 0o7777).toBe(0o6711);
});

test.runIf(isRoot)('somebody who is not root is told, once, that owners are not restored, and of devices', () => {
  chmodSync(scratch, 0o777);
  const modules = ['../testing/build-repository.ts', './restore.ts', '../blob-index.ts'].map(
    (file) => new URL(file, import.meta.url).href,
  );
  const script = `const [build, { restore }, { BlobIndex }] = await Promise.all(${JSON.stringify(modules)}.map((one) => import(one)));
    const { repo, tree, snapshot } = await build.buildRepository();
    const nodes = [
      { ...build.node('disk', 'dev', 0x0400_0000 + 0o600), device: 0x0810n, uid: 65534 },
      build.fileNode('mine', [], { uid: 65534 }),
      build.fileNode('theirs', [], { uid: 1 }),
      build.fileNode('trusted', [], { uid: 2, extendedAttributes: [{ name: Buffer.from('trusted.a'), value: Buffer.from('a') }] }),
    ];
    const options = { snapshot: await snapshot(await tree(nodes)), targetDir: ${JSON.stringify(target)} };
    const { damaged, warnings } = await restore(repo, await BlobIndex.load(repo), options);
    console.log(JSON.stringify({ damaged, warnings }));`;
  expect(runAsNobody(script)).toEqual({
    damaged: [],
    warnings: [
      {
        path: '/',
        reason:
          '2 restored entries had another owner and belong to the user who restores: only root may give files away',
      },
      { path: '/trusted', reason: 'the system refused its extended attribute trusted.a (EPERM)' },
      { path: '/disk', reason: 'a dev is not restored: it may not be written there (EPERM)' },
    ],
  });
  expect(readdirSync(target).sort()).toEqual(['mine', 'theirs', 'trusted']);
});

test('without libc all of it is told, entry by entry, and everything else is restored', async () => {
  await built.pack('data', [Buffer.from('x')]);
  const extendedAttributes = [attribute('user.a', 'a')];
  const mtime = '2024-05-06T07:08:09.123456789Z';
  const result = await restoreNodes(
    [
      { ...node('fifo', 'fifo', 0x0200_0000 + 0o600) },
      fileNode('file', [Buffer.from('x')], { extendedAttributes, mtime }),
      { ...folderNode('folder', await built.tree([])), extendedAttributes, mtime },
      { ...linkNode('link', 'file'), extendedAttributes, mtime },
      fileNode('plain', [Buffer.from('x')], { mtime }),
    ],
    { withoutNative: true },
  );
  const off = 'calls into the system library are switched off';
  const lost = `its extended attributes are not restored: ${off}`;
  expect(new Map(result.warnings.map(({ path, reason }) => [path, reason]))).toEqual(
    new Map([
      [
        '/',
        `times are set to the microsecond, not the nanosecond, and extended attributes, devices and fifos are left out: ${off}`,
      ],
      ['/fifo', `it is not restored: ${off}`],
      ['/file', lost],
      ['/folder', lost],
      ['/link', lost],
    ]),
  );
  expect(result).toMatchObject({ filesRestored: 2, damaged: [] });
  expect(readdirSync(target).sort()).toEqual(['file', 'folder', 'link', 'plain']);
  for (const name of ['file', 'folder', 'link', 'plain']) {
    const { mtimeNs } = lstatSync(at(name), { bigint: true });
    expect(mtimeNs / 10_000n, name).toBe(171_497_928_912_345n);
    expect(attributesOf(name)).toEqual({});
  }
});
