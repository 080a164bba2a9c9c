/** A real MariaDB: what is dumped comes back with the same rows; what cannot be dumped whole is no file of the snapshot. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startSystemMariadb, type SystemMariadb } from '../../tests/support/start-system-mariadb.ts';
import { SourcesBench } from './testing/sources-bench.ts';

let server: SystemMariadb;
let bench: SourcesBench;
beforeAll(async () => {
  server = await startSystemMariadb();
  server.sql(`CREATE DATABASE shop CHARACTER SET utf8mb4; CREATE DATABASE \`-odd/näme\`; CREATE TABLE \`-odd/näme\`.t(x int);
    USE shop;
    CREATE TABLE item(id INT PRIMARY KEY, name VARCHAR(80), pad VARBINARY(64));
    INSERT INTO item SELECT seq, CONCAT('item ', seq, ' \\n☃'), UNHEX(CONCAT(MD5(seq), MD5(seq * 7))) FROM seq_1_to_20000;
    CREATE VIEW cheap AS SELECT * FROM item WHERE id < 10;
    CREATE PROCEDURE twice(IN n INT) SELECT n * 2;
    CREATE TRIGGER upper_name BEFORE INSERT ON item FOR EACH ROW SET NEW.name = UPPER(NEW.name);
    CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM item WHERE id < 0;`);
});
afterAll(async () => await server.stop());
beforeEach(async () => {
  bench = await SourcesBench.make();
});
afterEach(() => bench.remove());

function secret(password = server.password, mode = 0o600): { kind: string; path: string } {
  const quoted = password.replaceAll(/["\\]/g, '\\$&');
  return { kind: 'secret_file', path: bench.file('my.cnf', `[client]\npassword="${quoted}"\n`, mode) };
}

const source = (more: { readonly login?: object } & Record<string, unknown> = {}) => ({
  kind: 'mysql',
  label: 'main',
  host: '127.0.0.1',
  port: server.port,
  user: 'keeper',
  ...more,
  login: more.login ?? secret(),
});

/** A folder with the real client and another dump program. */
function programs(script: string): string {
  symlinkSync('/usr/bin/mariadb', join(bench.folder, 'mariadb'));
  bench.script('mariadb-dump', script);
  return bench.folder;
}

const OBJECTS = `SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'NAME';
  SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'NAME';
  SELECT event_name FROM information_schema.events WHERE event_schema = 'NAME';
  SELECT MD5(GROUP_CONCAT(CONCAT_WS('|', id, name, HEX(pad)) ORDER BY id)), COUNT(*) FROM \`NAME\`.item;
  SELECT COUNT(*) FROM \`NAME\`.cheap;`;

test('every database comes back through stock restic and the client, with rows, routines, triggers and events', async () => {
  const { missing, run } = await bench.backUp([source()]);
  expect(missing).toEqual([]);
  expect(bench.restic('check', '--read-data').toString()).toContain('no errors were found');
  expect(run.dumps.map(({ path, database }) => [path, database])).toEqual([
    ['/mysql/main/-odd%2Fnäme.sql', '-odd/näme'],
    ['/mysql/main/shop.sql', 'shop'],
  ]);
  for (const { path, bytes, sha256, serverVersion, clientVersion } of run.dumps) {
    const plain = bench.restic('dump', 'latest', path);
    expect([bytes, sha256]).toEqual([plain.length, createHash('sha256').update(plain).digest('hex')]);
    expect(serverVersion).toMatch(/^MariaDB \d+\.\d+\.\d+$/);
    expect(clientVersion).toBe(serverVersion);
  }
  server.sql('CREATE DATABASE again; SET GLOBAL group_concat_max_len = 10000000');
  const dump = bench.restic('dump', 'latest', '/mysql/main/shop.sql');
  execFileSync('mariadb', ['--no-defaults', `--socket=${server.socket}`, `--user=${userInfo().username}`, 'again'], {
    input: dump,
  });
  const of = (name: string): string => server.sql(OBJECTS.replaceAll('NAME', name));
  expect(of('again')).toBe(of('shop'));
  expect(of('again')).toContain('nightly');
  server.sql('DROP DATABASE again');
});

test('an unchanged database gives the same dump, byte for byte', async () => {
  const first = await bench.backUp([source({ databases: ['shop'] })]);
  const second = await bench.backUp([source({ databases: ['shop'] })]);
  expect(second.run.dumps).toEqual(first.run.dumps);
});

test('the machine’s own account needs no password', async () => {
  const peer = {
    host: undefined,
    port: undefined,
    socket: server.socket,
    user: userInfo().username,
    login: { kind: 'peer' },
  };
  const { missing, run } = await bench.backUp([source({ ...peer, databases: ['shop'] })]);
  expect(missing).toEqual([]);
  expect(run.dumps.map(({ path }) => path)).toEqual(['/mysql/main/shop.sql']);
});

test.each([
  ['a wrong password', () => source({ login: secret('wrong') }), /Access denied/],
  [
    'a secret file that others may read',
    () => source({ login: secret(undefined, 0o644) }),
    /others may read it; set its mode to 0600/,
  ],
  ['a server that is not there', () => source({ port: 1 }), /Can't connect/],
  [
    'a client that is older than the server',
    () =>
      source({
        programFolder: programs('echo "mysqldump  Ver 10.19 Distrib 10.1.48-MariaDB, for debian-linux-gnu (x86_64)"'),
      }),
    /version 10\.1\.48, older than the server/,
  ],
  [
    'the client of the other product',
    () =>
      source({
        programFolder: programs('echo "mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)"'),
      }),
    /is MariaDB .*that of MySQL 8\.0\.36/,
  ],
])('%s fails the source with its reason, and costs nothing else', async (_, make, why) => {
  const { missing, run } = await bench.backUp([make()]);
  expect(missing).toEqual([{ path: '/mysql/main', message: expect.stringMatching(why) }]);
  expect(run.dumps).toEqual([]);
  expect(bench.listed()).toContain('kept/note');
});

test.each([
  ['is killed', 'REAL "$@" | head -c 200000; kill -KILL $$', /SIGKILL/],
  ['is cut, with exit code 0', 'REAL "$@" | head -c 200000; exit 0', /cut off: its last line is missing/],
  [
    'is cut just before its last line, with exit code 0',
    'REAL "$@" | head -n -1; exit 0',
    /cut off: its last line is missing/,
  ],
])('a dump that %s is no file of the snapshot', async (_, script, why) => {
  const real = script.replaceAll('REAL', '/usr/bin/mariadb-dump');
  const folder = programs(`case "$*" in *--version*) exec /usr/bin/mariadb-dump --version;; esac\n${real}`);
  const { missing, run } = await bench.backUp([source({ databases: ['shop'], programFolder: folder })]);
  expect(missing).toEqual([{ path: '/mysql/main/shop.sql', message: expect.stringMatching(why) }]);
  expect(run.dumps).toEqual([]);
  expect(bench.listed()).not.toContain('shop.sql');
});

test('a database that is not there costs itself alone', async () => {
  const { missing, run } = await bench.backUp([source({ databases: ['nothing', 'shop'] })]);
  expect(missing).toEqual([{ path: '/mysql/main/nothing.sql', message: expect.stringContaining('Unknown database') }]);
  expect(run.dumps.map(({ path }) => path)).toEqual(['/mysql/main/shop.sql']);
});
