import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crc32cBase64 } from '../base/crc32c.ts';
import { createFileStore } from './file-store.ts';
import { bytesOf, describeStore, keysOf, sha256Hex } from './testing/conformance.ts';

const run = promisify(execFile);
const signing = { baseUrl: 'http://localhost', key: new Uint8Array(32) };

describeStore('file', async () => {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
  return {
    store: createFileStore({ root, signing }),
    reopen: async () => createFileStore({ root, signing }),
    close: () => rm(root, { recursive: true, force: true }),
  };
});

/** On Linux the first is always another one, unless the temporary files lie there: then the next ones are. */
async function folderOnAnotherDisk(folder: string): Promise<string> {
  const { dev } = await stat(folder);
  for (const place of ['/dev/shm', '/var/tmp', homedir(), process.cwd()]) {
    const found = await stat(place).catch(() => undefined);
    if (found !== undefined && found.dev !== dev) return await mkdtemp(join(place, 'holdfast-store-'));
  }
  throw new Error(
    'This machine has one disk alone, and not even /dev/shm: what happens between two cannot be tested here.',
  );
}

describe('file store', () => {
  let base: string;
  let root: string;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
    root = join(base, 'store');
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  test('the key is the path, the file is read-only, and no temporary file stays', async () => {
    const store = createFileStore({ root });
    await store.create('v/one/data/ab/abcd', bytesOf('pack'));
    expect(await readFile(join(root, 'v/one/data/ab/abcd'), 'utf8')).toBe('pack');
    expect((await stat(join(root, 'v/one/data/ab/abcd'))).mode & 0o777).toBe(0o400);
    expect(await readdir(join(root, '.tmp'))).toEqual([]);
  });

  test('a finished file becomes the object, once; its owner may remove it before or after', async () => {
    const store = createFileStore({ root });
    const bytes = randomBytes(40_000);
    const made = join(await store.scratchFolder(), 'pack-1');
    await writeFile(made, bytes);
    const options = { size: bytes.length, crc32c: crc32cBase64(bytes) };
    await expect(store.createFromFile('data/aa', made, { ...options, size: 1 })).rejects.toMatchObject({
      code: 'object_mismatch',
    });
    expect(await store.createFromFile('data/aa', made, options)).toBe('created');
    await rm(made, { force: true });
    expect(await store.head('data/aa')).toMatchObject(options);
    expect((await stat(join(root, 'data/aa'))).mode & 0o777).toBe(0o400);
    const other = join(await store.scratchFolder(), 'pack-2');
    await writeFile(other, 'something else');
    expect(await store.createFromFile('data/aa', other, { size: 14 })).toBe('exists');
    expect(await store.head('data/aa')).toMatchObject(options);
    await rm(other);
    expect(await readdir(join(root, '.tmp'))).toEqual([]);
  });

  test('a finished file on another disk is copied, and compared with its checksum', async () => {
    const elsewhere = await folderOnAnotherDisk(base);
    try {
      const store = createFileStore({ root });
      const made = join(elsewhere, 'pack');
      await writeFile(made, 'from another disk');
      const wrong = { size: 17, crc32c: crc32cBase64(bytesOf('another')) };
      await expect(store.createFromFile('a', made, wrong)).rejects.toMatchObject({ code: 'object_mismatch' });
      expect(await store.head('a')).toBeUndefined();
      const right = { size: 17, crc32c: crc32cBase64(bytesOf('from another disk')) };
      expect(await store.createFromFile('a', made, right)).toBe('created');
      expect(await store.head('a')).toMatchObject(right);
    } finally {
      await rm(elsewhere, { recursive: true, force: true });
    }
  });

  test('damage on the disk shows in the checksum of head', async () => {
    const store = createFileStore({ root });
    const bytes = randomBytes(50_000);
    await store.create('a', bytes);
    const damaged = Buffer.from(bytes);
    damaged[25_000] = damaged[25_000]! ^ 1;
    await chmod(join(root, 'a'), 0o600);
    await writeFile(join(root, 'a'), damaged);
    expect((await store.head('a'))!.crc32c).toBe(crc32cBase64(damaged));
    expect((await store.head('a'))!.crc32c).not.toBe(crc32cBase64(bytes));
  });

  test('links are not followed: neither a linked folder nor a linked object', async () => {
    const store = createFileStore({ root });
    await store.create('real/a', bytesOf('inside'));
    const outside = join(base, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'outside');
    await symlink(outside, join(root, 'linked'));
    await symlink(join(outside, 'secret'), join(root, 'real', 'link'));
    await expect(store.get('linked/secret')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(store.create('linked/new', bytesOf('x'))).rejects.toMatchObject({ code: 'forbidden' });
    await expect(store.create('linked/deep/new', bytesOf('x'))).rejects.toMatchObject({ code: 'forbidden' });
    await expect(store.remove('linked/secret')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(store.get('real/link')).rejects.toMatchObject({ code: 'object_missing' });
    expect(await store.head('real/link')).toBeUndefined();
    expect(await store.create('real/link', bytesOf('x'))).toBe('exists');
    expect(await keysOf(store, '')).toEqual(['real/a']);
    expect(await readdir(outside)).toEqual(['secret']);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('outside');
  });

  test('temporary files of ours and of restic are not listed', async () => {
    const store = createFileStore({ root });
    const name = sha256Hex(bytesOf('x'));
    await store.create(`data/${name.slice(0, 2)}/${name}`, bytesOf('x'));
    await writeFile(join(root, 'data', name.slice(0, 2), `${name}-tmp-123456`), 'half');
    await writeFile(join(root, '.tmp', 'abcdef'), 'half');
    expect(await keysOf(store, '')).toEqual([`data/${name.slice(0, 2)}/${name}`]);
  });

  test('what a crash left in the temporary folder is dropped after a day, and not before', async () => {
    await mkdir(join(root, '.tmp'), { recursive: true });
    await writeFile(join(root, '.tmp', 'old'), 'half');
    await writeFile(join(root, '.tmp', 'young'), 'half');
    const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 3600;
    await utimes(join(root, '.tmp', 'old'), twoDaysAgo, twoDaysAgo);
    await createFileStore({ root }).create('a', bytesOf('x'));
    expect(await readdir(join(root, '.tmp'))).toEqual(['young']);
  });

  test('a folder that vanished is made again', async () => {
    const store = createFileStore({ root });
    await store.create('data/ab/1', bytesOf('x'));
    await rm(root, { recursive: true });
    expect(await store.create('data/ab/1', bytesOf('x'))).toBe('created');
    expect(await store.create('data/ab/2', bytesOf('y'))).toBe('created');
    expect(await keysOf(store, '')).toEqual(['data/ab/1', 'data/ab/2']);
  });

  test('a store that cannot be written to says so and is not taken for empty', async () => {
    await writeFile(root, 'a file where the store should be');
    const store = createFileStore({ root });
    await expect(store.create('a', bytesOf('x'))).rejects.toMatchObject({ code: 'storage_unavailable' });
    await expect(async () => await keysOf(store, '')).rejects.toMatchObject({ code: 'storage_unavailable' });
  });

  test('a disk that takes no more bytes is reported as full, and nothing half-written is visible', async () => {
    // The kernel refuses bytes past a file size limit as it refuses them on a full disk; setting one needs no privilege.
    const script = `
      import { createFileStore } from ${JSON.stringify(join(import.meta.dirname, 'file-store.ts'))};
      const store = createFileStore({ root: ${JSON.stringify(root)} });
      console.log(await store.create('fits', new Uint8Array(100_000)));
      console.log(await store.create('too-large', new Uint8Array(3_000_000)).catch((error) => error.code));
      async function* pieces() { for (let at = 0; at < 50; at++) yield new Uint8Array(60_000); }
      console.log(await store.createFrom('too-large', pieces()).catch((error) => error.code));
      console.log(await store.create('fits-too', new Uint8Array(100_000)));`;
    const shell = `trap '' XFSZ; ulimit -f 2048; exec "${process.execPath}" --input-type=module -e "$SCRIPT"`;
    const { stdout } = await run('sh', ['-c', shell], {
      env: { NODE_ENV: 'test', PATH: '/usr/bin:/bin', SCRIPT: script },
    });
    expect(stdout.trim().split('\n')).toEqual(['created', 'disk_full', 'disk_full', 'created']);
    expect(await keysOf(createFileStore({ root }), '')).toEqual(['fits', 'fits-too']);
    expect(await readdir(join(root, '.tmp'))).toEqual([]);
  });

  test('many processes create the same names: each name is created by exactly one', async () => {
    const script = `
      import { createFileStore } from ${JSON.stringify(join(import.meta.dirname, 'file-store.ts'))};
      const store = createFileStore({ root: ${JSON.stringify(root)} });
      const names = Array.from({ length: 40 }, (_, at) => 'data/' + (at % 4) + '/' + at);
      const answers = await Promise.all(names.map((name) => store.create(name, new Uint8Array(2000).fill(1))));
      console.log(answers.filter((answer) => answer === 'created').length);`;
    const counts = await Promise.all(
      [1, 2, 3].map(async () => {
        const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script]);
        return Number(stdout.trim());
      }),
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(40);
    expect(await keysOf(createFileStore({ root }), 'data/')).toHaveLength(40);
  });

  test('opens a repository that stock restic made: every name is the hash of its bytes', async () => {
    const source = join(base, 'source');
    await mkdir(source);
    await writeFile(join(source, 'file'), randomBytes(300_000));
    const env = {
      NODE_ENV: 'test' as const,
      PATH: '/usr/bin:/bin:/usr/local/bin',
      RESTIC_PASSWORD: 'secret',
      RESTIC_CACHE_DIR: join(base, 'cache'),
    };
    await run('restic', ['init', '--repo', root], { env });
    await run('restic', ['backup', '--repo', root, source], { env });
    const store = createFileStore({ root });
    const keys = await keysOf(store, '');
    expect(keys.filter((key) => key.startsWith('data/')).length).toBeGreaterThan(0);
    expect(keys.filter((key) => key.startsWith('snapshots/'))).toHaveLength(1);
    expect(keys).toContain('config');
    for (const key of keys.filter((name) => name !== 'config'))
      expect(sha256Hex(await store.get(key)), key).toBe(key.split('/').at(-1));
  });
});
