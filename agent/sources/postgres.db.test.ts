/** A real PostgreSQL: what is dumped comes back with the same rows; what cannot be dumped whole is no file of the snapshot. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startSystemPostgres, type SystemPostgres } from '../../tests/support/start-system-postgres.ts';
import { backupSource } from '../../core/domain/backup-source.ts';
import { DEFAULT_SEARCH_PATH } from './find-program.ts';
import { postgresStreams } from './postgres.ts';
import { SourcesBench } from './testing/sources-bench.ts';

let server: SystemPostgres;
let bench: SourcesBench;
beforeAll(async () => {
  server = await startSystemPostgres();
  server.sql(`CREATE ROLE clerk LOGIN PASSWORD 'clerk'; CREATE DATABASE shop; CREATE DATABASE "Größe / 50%\nnew";
    CREATE DATABASE closed ALLOW_CONNECTIONS false;`);
  server.sql(
    `CREATE TABLE item(id int PRIMARY KEY, name text, pad bytea);
     INSERT INTO item SELECT n, 'item ' || n, decode(md5(n::text) || md5((n * 7)::text), 'hex') FROM generate_series(1, 40000) n;
     CREATE VIEW cheap AS SELECT * FROM item WHERE id < 10;
     SELECT lo_from_bytea(0, decode(repeat('00ff', 5000), 'hex'));
     GRANT SELECT ON item TO clerk;`,
    'shop',
  );
});
afterAll(async () => await server.stop());
beforeEach(async () => {
  bench = await SourcesBench.make();
});
afterEach(() => bench.remove());

function secret(password = server.password, mode = 0o600): { kind: string; path: string } {
  const text = `127.0.0.1:*:*:postgres:${password.replaceAll(/[\\:]/g, '\\$&')}\n`;
  return { kind: 'secret_file', path: bench.file('pgpass', text, mode) };
}

const source = (more: { readonly login?: object } & Record<string, unknown> = {}) => ({
  kind: 'postgres',
  label: 'main',
  host: '127.0.0.1',
  port: server.port,
  user: 'postgres',
  ...more,
  login: more.login ?? secret(),
});

/** A folder with the real programs, but for one. */
function programs(name: string, script: string): string {
  for (const real of ['psql', 'pg_dump', 'pg_dumpall', 'pg_restore'])
    if (real !== name) symlinkSync(join(server.programs, real), join(bench.folder, real));
  bench.script(name, script);
  return bench.folder;
}

test('every database and the globals come back through stock restic and pg_restore, with the same rows', async () => {
  const { missing, run } = await bench.backUp([source()]);
  expect(missing).toEqual([]);
  expect(bench.restic('check', '--read-data').toString()).toContain('no errors were found');
  expect(run.dumps.map(({ path, database }) => [path, database])).toEqual([
    ['/postgres/main/globals.sql', null],
    ['/postgres/main/Größe %2F 50%25%0Anew.dump', 'Größe / 50%\nnew'],
    ['/postgres/main/postgres.dump', 'postgres'],
    ['/postgres/main/shop.dump', 'shop'],
  ]);
  for (const { path, bytes, sha256, serverVersion, clientVersion } of run.dumps) {
    const plain = bench.restic('dump', 'latest', path);
    expect([bytes, sha256]).toEqual([plain.length, createHash('sha256').update(plain).digest('hex')]);
    expect(server.sql('SHOW server_version')).toContain(serverVersion);
    expect(clientVersion).toMatch(/^\d+\.\d+/);
  }
  expect(bench.restic('dump', 'latest', '/postgres/main/globals.sql').toString()).toContain('CREATE ROLE clerk');
  server.sql('CREATE DATABASE again');
  execFileSync(
    join(server.programs, 'pg_restore'),
    ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'postgres', '-d', 'again', '-e'],
    {
      input: bench.restic('dump', 'latest', '/postgres/main/shop.dump'),
      env: { ...process.env, PGPASSWORD: server.password },
    },
  );
  const rows =
    'SELECT md5(string_agg(item::text, chr(10) ORDER BY id)), count(*) FROM item; SELECT count(*) FROM cheap; SELECT count(*) FROM pg_largeobject';
  expect(server.sql(rows, 'again')).toBe(server.sql(rows, 'shop'));
  server.sql('DROP DATABASE again');
});

test('an unchanged database is stored once: the dump of the next day adds little', async () => {
  const first = await bench.backUp([source({ databases: ['shop'], globals: false })]);
  server.sql("UPDATE item SET name = 'changed' WHERE id = 39000", 'shop');
  const second = await bench.backUp([source({ databases: ['shop'], globals: false })]);
  const [whole] = first.run.dumps;
  expect(whole!.bytes).toBeGreaterThan(2_000_000);
  expect(second.run.dumps[0]!.sha256).not.toBe(whole!.sha256);
  expect(second.result.addedBytes).toBeLessThan(whole!.bytes);
});

test('the machine’s own account needs no password', async () => {
  const login = { kind: 'peer', systemUser: server.systemUser };
  const { missing, run } = await bench.backUp([
    source({ host: undefined, socket: server.socket, login, databases: ['shop'] }),
  ]);
  expect(missing).toEqual([]);
  expect(run.dumps.map(({ path }) => path)).toEqual(['/postgres/main/globals.sql', '/postgres/main/shop.dump']);
});

test('the password stands on no command line, and in no environment', async () => {
  const mark = join(bench.folder, 'seen');
  const folder = programs(
    'pg_dump',
    `tr '\\0' '\\n' < /proc/$$/cmdline >> ${mark}; env >> ${mark}; exec ${server.programs}/pg_dump "$@"`,
  );
  expect((await bench.backUp([source({ databases: ['shop'], programFolder: folder })])).missing).toEqual([]);
  const seen = execFileSync('cat', [mark]).toString();
  expect(seen).toContain('--format=custom');
  expect(seen).not.toContain('pg secret');
});

test.each([
  ['a wrong password', () => source({ login: secret('wrong') }), /password authentication failed/],
  [
    'a secret file that others may read',
    () => source({ login: secret(undefined, 0o644) }),
    /others may read it; set its mode to 0600/,
  ],
  ['no secret file', () => source({ login: { kind: 'secret_file', path: '/no/such/file' } }), /cannot be opened/],
  ['a server that is not there', () => source({ port: 1 }), /Connection refused/],
  [
    'a client that is older than the server',
    () => source({ programFolder: programs('pg_dump', 'echo "pg_dump (PostgreSQL) 9.6.24"') }),
    /version 9\.6\.24, older than the server/,
  ],
  ['no client', () => source({ programFolder: '/usr/share' }), /no psql in \/usr\/share/],
])('%s fails the source with its reason, and costs nothing else', async (_, make, why) => {
  const { missing, run } = await bench.backUp([make()]);
  expect(missing).toEqual([{ path: '/postgres/main', message: expect.stringMatching(why) }]);
  expect(run.dumps).toEqual([]);
  expect(bench.listed()).toContain('kept/note');
});

test.each([
  ['is killed', 'REAL "$@" | head -c 500000; kill -KILL $$', /SIGKILL/],
  ['is cut in its data, with exit code 0', 'REAL "$@" | head -c 500000; exit 0', /to its end with pg_restore failed/],
  [
    'is cut in its table of contents, with exit code 0',
    'REAL "$@" | head -c 900; exit 0',
    /to its end with pg_restore failed/,
  ],
  ['lacks its last bytes, with exit code 0', 'REAL "$@" | head -c -5; exit 0', /to its end with pg_restore failed/],
  ['is something else', 'echo hello', /to its end with pg_restore failed/],
])('a pg_dump that %s is no file of the snapshot', async (_, script, why) => {
  const real = script.replaceAll('REAL', `${server.programs}/pg_dump`);
  const folder = programs('pg_dump', `[ "$1" = --version ] && exec ${server.programs}/pg_dump --version\n${real}`);
  const wanted = source({ databases: ['shop', 'postgres'], programFolder: folder, globals: false });
  const { missing, run } = await bench.backUp([wanted]);
  expect(missing[0]).toEqual({ path: '/postgres/main/shop.dump', message: expect.stringMatching(why) });
  expect(run.dumps.map(({ path }) => path)).not.toContain('/postgres/main/shop.dump');
  expect(bench.listed()).not.toContain('shop.dump');
});

test('a pg_dump that takes too long is stopped, although it wrote everything', async () => {
  const folder = programs('pg_dump', `${server.programs}/pg_dump "$@"; [ "$1" = --version ] || sleep 60`);
  const parsed = backupSource.parse(source({ databases: ['shop'], programFolder: folder, globals: false }));
  if (parsed.kind !== 'postgres') throw new Error('another kind of source');
  const [stream] = await postgresStreams(
    { ...parsed, timeLimitMinutes: 0.02 },
    {
      searchPath: DEFAULT_SEARCH_PATH,
      signal: new AbortController().signal,
      copiesPath: bench.folder,
      allowedListPath: bench.allowedListPath,
      onWhole: () => expect.unreachable(),
    },
  );
  const { bytes, done } = await stream!.open(new AbortController().signal);
  for await (const _ of bytes);
  await expect(done).rejects.toThrow('time limit');
});

test('a database that is not there costs itself alone', async () => {
  const { missing, run } = await bench.backUp([source({ databases: ['nothing', 'shop'], globals: false })]);
  expect(missing).toEqual([
    { path: '/postgres/main/nothing.dump', message: expect.stringContaining('"nothing" does not exist') },
  ]);
  expect(run.dumps.map(({ path }) => path)).toEqual(['/postgres/main/shop.dump']);
});
