import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '../../core/base/log.ts';
import { plantSnapshot } from '../../core/repository/backup/testing/plant-snapshot.ts';
import { encodeNode, encodeTree } from '../../core/repository/format/tree.ts';
import { sha256Hex } from '../../core/repository/object-names.ts';
import type { TreeNode } from '../../core/repository/types.ts';
import { CONFINEMENT_LAYERS, confinementWarnings } from '../../core/domain/confinement.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import { createMemoryStore, type MemoryStore } from '../../core/storage/memory-store.ts';
import { until } from '../../tests/support/until.ts';
import { makeVault, type TestVault, writeFiles } from '../testing/make-vault.ts';
import { confine } from './confinement.ts';
import type { DrillResult, ListResult, SandboxTask } from './messages.ts';
import { runInSandbox, type SandboxEnd, type SandboxOptions } from './run-in-sandbox.ts';

const MISBEHAVE = path.join(import.meta.dirname, 'testing/misbehave.ts');
const importOf = (place: string) => JSON.stringify(new URL(place, import.meta.url).href);

/** Whose command line names this folder. */
function processesOf(folder: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const isOne = /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(folder);
      return isOne ? [Number(name)] : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

/** Hundredths of a second that a process has computed. */
function processorTicks(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0; // it has ended meanwhile
  }
}

const scratch = () => mkdtempSync(path.join(tmpdir(), 'holdfast-scratch-'));

let store: MemoryStore;
let vault: TestVault;
/** More than the largest piece that a file is cut into, so that it is always two reads at least. */
const big = randomBytes(12 * 1024 * 1024);

beforeAll(async () => {
  store = createMemoryStore();
  vault = await makeVault(store, {
    'canary.txt': 'sing',
    'a/b/deep.txt': 'deep down',
    'big.bin': big,
    empty: '',
    'odd \u{1f600} name\nwith a line': 'odd',
  });
});

const run = async (options: Partial<SandboxOptions> & { task: SandboxTask }): Promise<SandboxEnd> =>
  await runInSandbox({ store, wallClockMs: 60_000, outputBytesMax: 64 * 1024 * 1024, log: silentLog, ...options });
const listTask = (dir: string) => ({ kind: 'list', path: dir, entriesMax: 1000, ...vault.task }) as const;
const drillTask = (name: string): SandboxTask => ({
  kind: 'drill',
  password: '',
  snapshotId: '0'.repeat(64),
  treeId: '0'.repeat(64),
  paths: [`/${name}`],
  targetDir: '/tmp',
});
const valueOf = <T>(end: SandboxEnd): T => {
  if (end.kind !== 'result') throw new Error(`no result: ${JSON.stringify(end)}`);
  return end.value as T;
};

describe('tasks', () => {
  test('a drill restores exactly the asked files into the scratch folder', async () => {
    const folder = scratch();
    const paths = ['a/b/deep.txt', 'big.bin', 'empty'].map((name) => `${vault.source}/${name}`);
    const steps: string[] = [];
    const end = await run({
      task: { kind: 'drill', ...vault.task, paths: [...paths, '/no/such/file'], targetDir: folder },
      scratchPath: folder,
      onProgress: ({ step }) => steps.push(step),
    });
    expect(valueOf<DrillResult>(end)).toMatchObject({ filesRestored: 3, absent: ['/no/such/file'], damaged: [] });
    expect(new Set(steps)).toEqual(new Set(['open', 'locate', 'transfer']));
    expect(readFileSync(path.join(folder, paths[1]!)).equals(big)).toBe(true);
    expect(readFileSync(path.join(folder, paths[0]!), 'utf8')).toBe('deep down');
    expect(readdirSync(path.join(folder, vault.source)).sort()).toEqual(['a', 'big.bin', 'empty']);
  });
  test('a listing shows one folder, folders first', async () => {
    const { entries, total } = valueOf<ListResult>(await run({ task: listTask(vault.source) }));
    expect(entries.map(({ name, type }) => `${type} ${name}`)).toEqual([
      'dir a',
      'file big.bin',
      'file canary.txt',
      'file empty',
      'file odd \u{1f600} name\nwith a line',
    ]);
    expect(total).toBe(5);
    expect(entries.find(({ name }) => name === 'big.bin')?.size).toBe(big.length);
  });
  test('what is not there, or no folder, is refused in words', async () => {
    expect(await run({ task: listTask('/nowhere') })).toMatchObject({ kind: 'refused', code: 'not_found' });
    expect(await run({ task: listTask(`${vault.source}/big.bin`) })).toMatchObject({
      kind: 'refused',
      code: 'bad_request',
    });
  });
  test('a download writes the very bytes of the file', async () => {
    const pieces: Buffer[] = [];
    const end = await run({
      task: {
        kind: 'download',
        ...vault.task,
        path: `${vault.source}/big.bin`,
        as: 'file',
        bytesMax: 1e9,
        entriesMax: 10,
      },
      takeOutput: async (output) => {
        for await (const piece of output) pieces.push(piece);
      },
    });
    expect(end).toMatchObject({ kind: 'result', value: { files: 1, bytes: big.length } });
    expect(Buffer.concat(pieces).equals(big)).toBe(true);
  });
  test('a wrong password and a snapshot other than the signed one are refused', async () => {
    const task = listTask('/');
    expect(await run({ task: { ...task, password: 'wrong' } })).toMatchObject({
      kind: 'refused',
      code: 'wrong_password',
    });
    expect(await run({ task: { ...task, treeId: 'ab'.repeat(32) } })).toMatchObject({
      kind: 'refused',
      code: 'repository_damaged',
    });
  });
  test('a failing store is the fault of the store, not of the data', async () => {
    const broken = { ...store, get: () => Promise.reject(new Error('network down')) };
    expect(await run({ task: listTask('/'), store: broken })).toMatchObject({
      kind: 'refused',
      code: 'storage_unavailable',
    });
  });
  test('a download that fails half way ends in an error for whoever takes its bytes', async () => {
    const calls = { count: 0 };
    const flaky = {
      ...store,
      get: async (key: string, range?: { offset: number; length: number }) => {
        if (range !== undefined && range.length > 100_000 && calls.count++ > 0) throw new Error('gone');
        return await store.get(key, range);
      },
    };
    let ended: unknown = 'whole';
    const end = await run({
      store: flaky,
      task: {
        kind: 'download',
        ...vault.task,
        path: `${vault.source}/big.bin`,
        as: 'file',
        bytesMax: 1e9,
        entriesMax: 1,
      },
      takeOutput: async (output) => {
        try {
          for await (const _ of output);
        } catch (error) {
          ended = error;
          throw error;
        }
      },
    });
    expect(end).toMatchObject({ kind: 'refused', code: 'storage_unavailable' });
    expect(ended).toBeInstanceOf(Error);
  });
});

test('reads what stock restic wrote', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-restic-'));
  const source = writeFiles({ 'canary.txt': 'sing', 'a/b.txt': 'below' });
  const restic = (...args: string[]): string =>
    execFileSync('restic', ['-r', path.join(folder, 'repo'), '--no-cache', '-q', ...args], {
      encoding: 'utf8',
      env: { ...process.env, RESTIC_PASSWORD: 'stock' },
    });
  restic('init');
  restic('backup', source);
  const [snapshot] = JSON.parse(restic('snapshots', '--json')) as { id: string; tree: string }[];
  const point = { password: 'stock', snapshotId: snapshot!.id, treeId: snapshot!.tree };
  const stock = createFileStore({ root: path.join(folder, 'repo') });
  const listing = await run({ store: stock, task: { kind: 'list', ...point, path: source, entriesMax: 10 } });
  expect(valueOf<ListResult>(listing).entries.map(({ name }) => name)).toEqual(['a', 'canary.txt']);
  const target = scratch();
  const drill = await run({
    store: stock,
    task: { kind: 'drill', ...point, paths: [`${source}/a/b.txt`], targetDir: target },
    scratchPath: target,
  });
  expect(valueOf<DrillResult>(drill)).toMatchObject({ filesRestored: 1, damaged: [], absent: [] });
  expect(readFileSync(path.join(target, source, 'a/b.txt'), 'utf8')).toBe('below');
});

test('a damaged piece in the middle of a zip is told as such, and no whole zip comes out', async () => {
  const damaged = {
    ...store,
    get: async (key: string, range?: { offset: number; length: number }) => {
      const bytes = await store.get(key, range);
      if (range !== undefined && key.startsWith('data/') && bytes.length > 300_000) bytes[1000]! ^= 1;
      return bytes;
    },
  };
  let isWhole = false;
  const end = await run({
    store: damaged,
    task: { kind: 'download', ...vault.task, path: vault.source, as: 'zip', bytesMax: 1e9, entriesMax: 100 },
    takeOutput: async (output) => {
      for await (const _ of output);
      isWhole = true;
    },
  });
  expect(end).toMatchObject({ kind: 'refused', code: 'repository_damaged' });
  expect(isWhole).toBe(false);
});

describe('a child that misbehaves costs its own life alone', () => {
  const misbehave = async (act: string, options: Partial<SandboxOptions> = {}) =>
    await run({ task: listTask(act), childFile: MISBEHAVE, ...options });
  test.each([
    ['hang', 'timeout', { wallClockMs: 1500 }],
    ['exit', 'exit', {}],
    ['crash', 'exit', {}],
    ['kill', 'exit', {}],
    ['heap', 'memory', {}],
    ['buffers', 'memory', { residentBytesMax: 400 * 1024 * 1024 }],
    ['garbage', 'protocol', {}],
    ['huge', 'protocol', {}],
    ['traversal', 'protocol', {}],
    ['foreign', 'protocol', {}],
    ['flood', 'protocol', {}],
    ['twice', 'protocol', {}],
    ['release', 'protocol', {}],
    // This one has the file that there is something to release of.
    ['release', 'protocol', { task: drillTask('release') }],
  ] as const)('%s: broken by %s', async (act, reason, options) => {
    expect(await misbehave(act, options)).toMatchObject({ kind: 'broken', reason });
  });
  test('in the file with the large bodies it cannot write', async () => {
    const end = await misbehave('shared', { task: drillTask('shared') });
    const { write, truncate, reopen, size } = valueOf<Record<string, string>>(end);
    expect([write, truncate]).toEqual(['EBADF', expect.stringMatching(/EBADF|EINVAL|ERR_ACCESS_DENIED/)]);
    expect(reopen).not.toMatch(/^did it/);
    expect(size).toBe('did it: 0');
  });
  test('whether it broke down by itself is told: not one that never said a word, nor one that waits for the storage', async () => {
    expect(await misbehave('exit')).toMatchObject({ reason: 'exit', isOwnDoing: false });
    expect(await misbehave('hang', { wallClockMs: 1500 })).toMatchObject({ reason: 'timeout', isOwnDoing: true });
    const silent = { ...store, get: async () => await new Promise<never>(() => undefined) };
    const waiting = await run({ task: listTask('/'), store: silent, wallClockMs: 4000 });
    expect(waiting).toMatchObject({ reason: 'timeout', isOwnDoing: false });
  });
  test('endless output is cut off', async () => {
    let taken = 0;
    const end = await misbehave('output', {
      outputBytesMax: 1024 * 1024,
      takeOutput: async (output) => {
        for await (const piece of output) taken += piece.length;
      },
    });
    expect(end).toMatchObject({ kind: 'broken', reason: 'output' });
    expect(taken).toBeLessThanOrEqual(1024 * 1024);
  });
  test('a scratch folder that grows too large ends it', async () => {
    const folder = scratch();
    const end = await misbehave('scratch', {
      scratchPath: folder,
      isScratchOver: async () => readdirSync(folder).length > 20,
    });
    expect(end).toMatchObject({ kind: 'broken', reason: 'scratch' });
  });
  test('a stop from outside ends it', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    expect(await misbehave('hang', { signal: stop.signal })).toMatchObject({ kind: 'broken', reason: 'cancelled' });
  });
  test.each([
    ['in namespaces of its own', []],
    ['without them', ['own-files']],
  ] as const)('it ends with the worker that is killed, however busy it is: %s', async (_, without) => {
    const folder = scratch();
    const options = { task: listTask('hang'), childFile: MISBEHAVE, scratchPath: folder, confinement: { without } };
    const script = `
      import { silentLog } from ${importOf('../../core/base/log.ts')};
      import { createMemoryStore } from ${importOf('../../core/storage/memory-store.ts')};
      import { runInSandbox } from ${importOf('./run-in-sandbox.ts')};
      await runInSandbox({ store: createMemoryStore(), wallClockMs: 240_000, outputBytesMax: 1e6, log: silentLog,
        ...JSON.parse(process.argv[1]) });`;
    const args = ['--input-type=module-typescript', '--eval', script, JSON.stringify(options)];
    const worker = spawn(process.execPath, args, { stdio: 'ignore' });
    const spinning = () => processesOf(folder).filter((pid) => pid !== worker.pid);
    await until('the child spins', async () => spinning().some((pid) => processorTicks(pid) > 100));
    worker.kill('SIGKILL');
    await until('nothing of it is left', async () => spinning().length === 0);
  });
  test('it sees no environment, no file, no other program and, where the kernel allows, no network', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const folder = scratch();
    const end = await misbehave('probe', { scratchPath: folder });
    server.close();
    const report = valueOf<Record<string, string>>(end);
    expect(report).toMatchObject({ environment: 'PATH TZ' });
    for (const act of ['read /etc/passwd', 'read the service', 'write outside', 'link outside', 'start a program'])
      expect(report[act]).toBe('ERR_ACCESS_DENIED');
    if (end.layers.includes('no-network')) expect(report['network']).toMatch(/ENETUNREACH|EADDRNOTAVAIL|ECONNREFUSED/);
    expect(existsSync(path.join(folder, '../escaped'))).toBe(false);
  });
});

describe('where the kernel gives namespaces', () => {
  const canAll = confine({ fileBytesMax: 1 }).layers.includes('own-files');
  test('this machine gives them, or says what is missing in sentences', () => {
    const { layers } = confine({ fileBytesMax: 1 });
    expect(confinementWarnings(layers)).toHaveLength(CONFINEMENT_LAYERS.length - layers.length);
    expect(confinementWarnings([])).toHaveLength(CONFINEMENT_LAYERS.length);
  });
  test('a program that the child starts is another user without rights, network or any file that was not named', async () => {
    const folder = scratch();
    const end = await run({
      task: listTask('programs'),
      childFile: MISBEHAVE,
      scratchPath: folder,
      confinement: { withPrograms: true },
    });
    const report = valueOf<Record<string, string>>(end);
    expect(report['writeScratch']).toBe('fine');
    if (!canAll) return expect(end.layers).not.toContain('own-files');
    expect(report['accounts']).toMatch(/^sandbox:x:\d+:\d+:/);
    // The system's programs, and the way to what was named: this checkout, the Node that runs it, the folder to write in.
    const named = [import.meta.dirname, process.execPath, folder].map((place) => place.split(path.sep)[1]!);
    const usual = ['bin', 'dev', 'etc', 'lib', 'lib32', 'lib64', 'proc', 'sbin', 'tmp', 'usr', ...named];
    expect(report['root']!.split(' ').filter((name) => !usual.includes(name))).toEqual([]);
    for (const act of ['shadow', 'service', 'writeUsr', 'writeRoot', 'mount'])
      expect(report[act], act).toMatch(/^refused: /);
    // Where the scratch folder lies in the temporary one, the child's is its own and empty.
    expect(existsSync(path.join(folder, '../holdfast-escape'))).toBe(false);
    expect(report['capabilities']).toMatch(/\t0+$/);
    expect(Number(report['processes'])).toBeLessThan(10);
    expect(report['network']).toBe('lo');
    if (end.layers.includes('other-user')) expect(Number(report['user'])).toBeGreaterThan(60_000);
  });
  test('functions of the system are within reach only where more than Node’s permissions holds', () => {
    const wish = { fileBytesMax: 1, mayUseNative: true } as const;
    const has = (args: readonly string[]): boolean => args.includes('--allow-addons');
    expect(has(confine(wish).args)).toBe(canAll);
    expect(has(confine({ ...wish, without: ['own-files'] }).args)).toBe(false);
    expect(has(confine({ fileBytesMax: 1 }).args)).toBe(false);
  });
  test('without them the permission model still holds', async () => {
    const folder = scratch();
    const end = await run({
      task: listTask('probe'),
      childFile: MISBEHAVE,
      scratchPath: folder,
      confinement: { without: ['own-files', 'other-user', 'no-network'] },
    });
    expect(end.layers).toEqual(['permission-model', 'resource-limits']);
    expect(valueOf<Record<string, string>>(end)).toMatchObject({
      'read /etc/passwd': 'ERR_ACCESS_DENIED',
      'write outside': 'ERR_ACCESS_DENIED',
      'start a program': 'ERR_ACCESS_DENIED',
    });
  });
});

describe('a hostile repository', () => {
  const node = (name: string, over: Partial<TreeNode>): string =>
    encodeNode({
      name: Buffer.from(name),
      type: 'file',
      mode: 0o644,
      mtime: '2026-11-20T00:00:00Z',
      atime: '2026-11-20T00:00:00Z',
      ctime: '2026-11-20T00:00:00Z',
      uid: 0,
      gid: 0,
      content: [],
      ...over,
    });
  /** A snapshot whose root holds these nodes, in the same vault. */
  async function plant(nodes: string[]): Promise<{ password: string; snapshotId: string; treeId: string }> {
    const hostile = createMemoryStore();
    const made = await makeVault(hostile, { 'x.txt': 'x' });
    const tree = encodeTree(nodes);
    const treeId = sha256Hex(tree);
    const { id: _, ...snapshot } = made.result.snapshot;
    const snapshotId = await plantSnapshot(made.repo, [{ type: 'tree', plain: tree }], { ...snapshot, tree: treeId });
    store = hostile;
    return { password: made.task.password, snapshotId, treeId };
  }
  test.each(['..', '../../escape', '/etc/holdfast-escape', '.'])('the name %j writes nothing outside', async (name) => {
    const kept = store;
    const point = await plant([node(name, {})]);
    const parent = scratch();
    const folder = path.join(parent, 'inner');
    mkdirSync(folder);
    const end = await run({
      task: { kind: 'drill', ...point, paths: [`/${name}`, '/'], targetDir: folder },
      scratchPath: folder,
    });
    store = kept;
    expect(end.kind).not.toBe('broken');
    if (end.kind === 'result') expect((end.value as DrillResult).filesRestored).toBe(0);
    expect(readdirSync(parent)).toEqual(['inner']);
    expect(existsSync('/etc/holdfast-escape')).toBe(false);
  });
  test('a zip of such names holds only names inside of it', async () => {
    const kept = store;
    const point = await plant([node('../../escape', {}), node('C:evil', {}), node('a\\b', {})]);
    const pieces: Buffer[] = [];
    const end = await run({
      task: { kind: 'download', ...point, path: '/', as: 'zip', bytesMax: 1e6, entriesMax: 100 },
      takeOutput: async (output) => {
        for await (const piece of output) pieces.push(piece);
      },
    });
    store = kept;
    expect(end.kind).toBe('result');
    const text = Buffer.concat(pieces).toString('latin1');
    expect(text).toContain('files/.._.._escape');
    expect(text).toContain('files/C_evil');
    expect(text).not.toContain('../');
  });
});
