/** What a machine says of itself: its disks once each, its database servers, and nothing where it cannot tell. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { statfs } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inventoryRequest } from '../../core/protocol/inventory.ts';
import { findDatabases } from './find-databases.ts';
import { readInventory } from './read-inventory.ts';
import { localMounts, readVolumes } from './read-volumes.ts';

describe('volumes', () => {
  const MOUNTS = String.raw`22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
28 27 254:0 /srv /mnt/bind rw - ext4 /dev/vda rw
29 27 254:0 / /mnt/again rw - ext4 /dev/vda rw
30 27 8:17 / /mnt/with\040blank rw - xfs /dev/sdb1 rw
31 27 0:40 /@home /home rw - btrfs /dev/sdc rw
32 27 0:41 /@data /data rw - btrfs /dev/sdc rw
33 27 0:50 / /mnt/share rw - nfs4 nas:/share rw
34 27 0:51 / /mnt/cifs rw - cifs //nas/x rw
35 27 7:3 / /snap/core ro - squashfs /dev/loop3 ro
36 27 7:4 / /mnt/image rw - ext4 /dev/loop4 rw
37 27 0:60 / / rw - overlay overlay rw
38 27 0:61 / /run rw - tmpfs tmpfs rw
39 27 0:62 / /mnt/fuse rw - fuse.sshfs me@there: rw
40 27 8:33 /etc/hosts /etc/hosts rw - ext4 /dev/sdd rw
broken line`;
  const room = (blocks: number, bfree: number) => Promise.resolve({ bsize: 4096, blocks, bfree });
  type Ask = typeof statfs;

  test('are those of the machine’s own disks, each once, and neither networks nor memory nor images', () => {
    expect(localMounts(MOUNTS).map(({ mountPoint }) => mountPoint)).toEqual(['/', '/mnt/with blank', '/home']);
  });
  test('that do not answer are named as not known, and not as empty', async () => {
    const ask = ((path: string) => (path === '/' ? room(100, 40) : Promise.reject(new Error('EIO')))) as unknown as Ask;
    expect(await readVolumes(MOUNTS, ask)).toEqual([
      { mountPoint: '/', fileSystem: 'ext4', usedBytes: 60 * 4096, sizeBytes: 100 * 4096 },
      { mountPoint: '/mnt/with blank', fileSystem: 'xfs', usedBytes: null, sizeBytes: null },
      { mountPoint: '/home', fileSystem: 'btrfs', usedBytes: null, sizeBytes: null },
    ]);
  });
  test('of a machine without a disk that can be seen are not known, which is not none', async () => {
    expect(await readVolumes('37 27 0:60 / / rw - overlay overlay rw')).toBeNull();
  });
  test('with names that would do something to a page are sent without that', async () => {
    const line = '30 27 8:17 / /mnt/\\033[2J\\012x rw - ext4 /dev/sdb1 rw';
    const ask = (() => room(10, 5)) as unknown as Ask;
    expect((await readVolumes(line, ask))?.[0]?.mountPoint).toBe('/mnt/?[2J?x');
  });
});

describe('database servers', () => {
  let proc: string;
  beforeEach(() => {
    proc = mkdtempSync(join(tmpdir(), 'holdfast-proc-'));
    net('self', [], []);
  });
  afterEach(() => rmSync(proc, { recursive: true, force: true }));

  function net(
    pid: string,
    sockets: readonly [inode: number, path: string][],
    ports: readonly [number, number][],
  ): void {
    const folder = join(proc, pid, 'net');
    mkdirSync(folder, { recursive: true });
    const unix = sockets.map(([inode, path]) => `0000: 00000002 00000000 00010000 0001 01 ${inode} ${path}`);
    writeFileSync(join(folder, 'unix'), ['Num RefCount Protocol Flags Type St Inode Path', ...unix, ''].join('\n'));
    const tcp = ports.map(
      ([inode, port]) =>
        `0: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A 0:0 0:0 0 0 0 ${inode} 1`,
    );
    writeFileSync(join(folder, 'tcp'), ['sl local rem st', ...tcp, ''].join('\n'));
  }

  interface Process {
    readonly comm: string;
    readonly parent?: string;
    readonly words?: readonly string[];
    readonly cwd?: string;
    /** In the name space of process ids of a container. */
    readonly innerPid?: string;
    /** Undefined: this user may not see them. `hidden`: their names alone. */
    readonly inodes?: readonly number[] | 'hidden';
    readonly cgroup?: string;
    readonly hostname?: string;
  }
  function process(
    pid: string,
    { comm, parent = '1', words = [comm], cwd, innerPid, inodes, hostname, cgroup }: Process,
  ) {
    const folder = join(proc, pid);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'comm'), `${comm}\n`);
    writeFileSync(
      join(folder, 'status'),
      `Name:\t${comm}\nPPid:\t${parent}\nNSpid:\t${pid}${innerPid === undefined ? '' : `\t${innerPid}`}\n`,
    );
    writeFileSync(join(folder, 'cmdline'), `${words.join('\0')}\0`);
    if (cwd !== undefined) symlinkSync(cwd, join(folder, 'cwd'));
    if (cgroup !== undefined) writeFileSync(join(folder, 'cgroup'), cgroup);
    if (inodes !== undefined) mkdirSync(join(folder, 'fd'));
    if (inodes === 'hidden') writeFileSync(join(folder, 'fd', '0'), '');
    else
      for (const [at, inode] of (inodes ?? []).entries())
        symlinkSync(`socket:[${inode}]`, join(folder, 'fd', String(at)));
    if (hostname === undefined) return;
    mkdirSync(join(folder, 'root', 'etc'), { recursive: true });
    writeFileSync(join(folder, 'root', 'etc', 'hostname'), `${hostname}\n`);
  }

  test('are found with their sockets, ports and data, and a worker of a server is no server', async () => {
    const sockets: [number, string][] = [
      [11, '/run/postgresql/.s.PGSQL.5433'],
      [12, '/tmp/.s.PGSQL.5433'],
      [21, '/run/mysqld/mysqld.sock'],
      [22, '/run/mysqld/mysqlx.sock'],
      [31, '/run/docker.sock'],
    ];
    const ports: [number, number][] = [
      [13, 5433],
      [23, 3306],
      [24, 33060],
    ];
    for (const pid of ['self', '100', '200']) net(pid, sockets, ports);
    process('100', { comm: 'postgres', cwd: '/var/lib/postgresql/17/main', inodes: [11, 12, 13] });
    process('101', { comm: 'postgres', parent: '100', inodes: [11] });
    process('200', { comm: 'mariadbd', cwd: '/var/lib/mysql', inodes: [21, 22, 23, 24] });
    process('300', { comm: 'bash', inodes: [] });
    expect(await findDatabases(proc)).toEqual([
      {
        ...{ kind: 'postgres', socket: '/run/postgresql', port: 5433 },
        ...{ dataFolder: '/var/lib/postgresql/17/main', container: null },
      },
      {
        ...{ kind: 'mysql', socket: '/run/mysqld/mysqld.sock', port: 3306 },
        ...{ dataFolder: '/var/lib/mysql', container: null },
      },
    ]);
  });
  test('are found by a user who may not look into processes, each once', async () => {
    net(
      'self',
      [
        [11, '/run/postgresql/.s.PGSQL.5432'],
        [12, '/run/postgresql/.s.PGSQL.5433'],
      ],
      [],
    );
    process('100', { comm: 'postgres', words: ['postgres', '-D', '/data/a', '-p', '5433'] });
    expect(await findDatabases(proc)).toEqual([
      { kind: 'postgres', socket: '/run/postgresql', port: 5433, dataFolder: '/data/a', container: null },
      { kind: 'postgres', socket: '/run/postgresql', port: 5432, dataFolder: null, container: null },
    ]);
  });
  test('of a container are told apart from those of the machine', async () => {
    net('100', [[11, '/var/run/postgresql/.s.PGSQL.5432']], [[13, 5432]]);
    process('100', {
      ...{ comm: 'postgres', cwd: '/var/lib/postgresql/data', inodes: [11, 13] },
      ...{ innerPid: '1', hostname: 'shop-db' },
    });
    expect(await findDatabases(proc)).toMatchObject([{ port: 5432, container: 'shop-db' }]);
  });
  test('are found once each by an agent that may list what processes hold, and not look at it', async () => {
    const data = mkdtempSync(join(tmpdir(), 'holdfast-data-'));
    writeFileSync(join(data, 'postmaster.pid'), `100\n${data}\n1790000000\n5433\n/run/postgresql\n`);
    net(
      'self',
      [
        [11, '/run/postgresql/.s.PGSQL.5432'],
        [12, '/run/postgresql/.s.PGSQL.5433'],
        [21, '/run/mysqld/mysqld.sock'],
      ],
      [],
    );
    process('100', { comm: 'postgres', words: ['postgres', '-D', data], inodes: 'hidden' });
    process('200', { comm: 'mysqld', inodes: 'hidden' });
    const cgroup = `0::/system.slice/docker-${'ab'.repeat(32)}.scope\n`;
    process('300', { comm: 'postgres', inodes: 'hidden', cgroup });
    const found = await findDatabases(proc);
    rmSync(data, { recursive: true });
    expect(found).toEqual([
      { kind: 'postgres', socket: '/run/postgresql', port: 5433, dataFolder: data, container: null },
      { kind: 'mysql', socket: '/run/mysqld/mysqld.sock', port: null, dataFolder: null, container: null },
      { kind: 'postgres', socket: null, port: null, dataFolder: null, container: 'abababababab' },
      { kind: 'postgres', socket: '/run/postgresql', port: 5432, dataFolder: null, container: null },
    ]);
  });
  test('are not known where the kernel does not tell, and none where it tells of none', async () => {
    expect(await findDatabases(join(proc, 'nowhere'))).toBeNull();
    expect(await findDatabases(proc)).toEqual([]);
  });
  test('that listen on this machine now are among what is sent, and the gateway takes it as it is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-pg-'));
    const listening: Server = createServer();
    await new Promise<void>((resolve) => listening.listen(join(folder, '.s.PGSQL.6543'), resolve));
    try {
      const inventory = await readInventory();
      expect(inventoryRequest.parse(inventory)).toEqual(inventory);
      expect(inventory.databases).toContainEqual(expect.objectContaining({ socket: folder, port: 6543 }));
    } finally {
      await new Promise((resolve) => listening.close(resolve));
      rmSync(folder, { recursive: true });
    }
  });
});

describe('what a gateway refuses', () => {
  const volume = { mountPoint: '/', fileSystem: 'ext4', usedBytes: 1, sizeBytes: 2 };
  const database = { kind: 'postgres', socket: '/run', port: 5432, dataFolder: null, container: null };
  const refused: readonly [string, unknown][] = [
    ['a volume that holds more than its size', { volumes: [{ ...volume, usedBytes: 3 }], databases: null }],
    ['less than nothing', { volumes: [{ ...volume, usedBytes: -1 }], databases: null }],
    ['a part of a byte', { volumes: [{ ...volume, usedBytes: 0.5 }], databases: null }],
    ['a number that is none', { volumes: [{ ...volume, usedBytes: 1e300, sizeBytes: 1e300 }], databases: null }],
    ['one volume twice', { volumes: [volume, volume], databases: null }],
    [
      'more bytes than there are',
      {
        volumes: ['/a', '/b'].map((mountPoint) => ({ ...volume, mountPoint, sizeBytes: Number.MAX_SAFE_INTEGER })),
        databases: null,
      },
    ],
    ['a relative place', { volumes: [{ ...volume, mountPoint: 'c:' }], databases: null }],
    ['what turns text around', { volumes: [{ ...volume, mountPoint: '/\u202etxt' }], databases: null }],
    ['a line feed', { volumes: null, databases: [{ ...database, socket: '/run\n' }] }],
    ['an endless name', { volumes: null, databases: [{ ...database, socket: `/${'x'.repeat(600)}` }] }],
    ['a port that is none', { volumes: null, databases: [{ ...database, port: 70_000 }] }],
    ['a server without any place', { volumes: null, databases: [{ ...database, socket: null, port: null }] }],
    ['a kind that nobody knows', { volumes: null, databases: [{ ...database, kind: 'oracle' }] }],
    ['more servers than a machine has', { volumes: null, databases: Array.from({ length: 65 }, () => database) }],
    ['an unknown key', { volumes: null, databases: null, more: 1 }],
  ];
  test.each(refused)('%s', (_, message) => {
    expect(inventoryRequest.safeParse(message).success).toBe(false);
  });
  test('and takes what is well', () => {
    expect(inventoryRequest.safeParse({ volumes: [volume], databases: [database] }).success).toBe(true);
    expect(inventoryRequest.safeParse({ volumes: null, databases: null }).success).toBe(true);
  });
});
