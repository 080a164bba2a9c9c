/** The way back, from the repository into real servers: the same rows, nothing overwritten unasked, no half of a database. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listSnapshots } from '../../core/repository/repository.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { startSystemMariadb, type SystemMariadb } from '../../tests/support/start-system-mariadb.ts';
import { startSystemPostgres, type SystemPostgres } from '../../tests/support/start-system-postgres.ts';
import { snapshotFile } from '../restore/snapshot-file.ts';
import { DEFAULT_SEARCH_PATH } from './find-program.ts';
import type { DumpFile } from './load-dump.ts';
import { MysqlClient } from './mysql-client.ts';
import { PostgresClient } from './postgres-client.ts';
import { restoreMysql } from './restore-mysql.ts';
import { globalsFor, restorePostgres, restorePostgresGlobals } from './restore-postgres.ts';
import { restoreSqlite } from './restore-sqlite.ts';
import { SourcesBench } from './testing/sources-bench.ts';

let postgres: SystemPostgres;
let mariadb: SystemMariadb;
let bench: SourcesBench;
let pg: PostgresClient;
let my: MysqlClient;
const sqlite = (file: string, sql: string): string =>
  execFileSync('sqlite3', [file], { input: sql, encoding: 'utf8' }).trim();

beforeAll(async () => {
  [postgres, mariadb, bench] = await Promise.all([startSystemPostgres(), startSystemMariadb(), SourcesBench.make()]);
  postgres.sql("CREATE ROLE owner1; CREATE ROLE clerk LOGIN PASSWORD 'old'; CREATE DATABASE shop OWNER owner1");
  postgres.sql(
    `CREATE TABLE item(id int PRIMARY KEY, name text); INSERT INTO item SELECT n, 'item ' || n FROM generate_series(1, 30000) n;
     ALTER TABLE item OWNER TO owner1; CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2'`,
    'shop',
  );
  mariadb.sql(`CREATE DATABASE shop; USE shop; CREATE TABLE item(id INT PRIMARY KEY, name VARCHAR(40), pad BLOB);
    INSERT INTO item SELECT seq, CONCAT('item ', seq), UNHEX(MD5(seq)) FROM seq_1_to_30000;
    INSERT INTO item VALUES (-1, '\\\\! touch /tmp/never', '\\0\\r\\n');
    CREATE PROCEDURE twice(IN n INT) SELECT n * 2;`);
  const file = join(bench.folder, 'app.db');
  sqlite(file, 'PRAGMA journal_mode=wal; CREATE TABLE t(x); INSERT INTO t VALUES (1), (2), (3);');
  const pgpass = bench.file('pgpass', `127.0.0.1:*:*:postgres:${postgres.password.replaceAll(':', '\\:')}\n`);
  const option = bench.file('my.cnf', `[client]\npassword='${mariadb.password}'\n`);
  const pgServer = {
    host: '127.0.0.1',
    port: postgres.port,
    user: 'postgres',
    login: { kind: 'secret_file', path: pgpass },
  } as const;
  const myServer = {
    host: '127.0.0.1',
    port: mariadb.port,
    user: 'keeper',
    login: { kind: 'secret_file', path: option },
  } as const;
  const { missing } = await bench.backUp([
    { kind: 'postgres', label: 'main', ...pgServer, databases: ['shop'] },
    { kind: 'mysql', label: 'main', ...myServer, databases: ['shop'] },
    { kind: 'sqlite', label: 'app', files: [file] },
  ]);
  expect(missing).toEqual([]);
  pg = await PostgresClient.open(pgServer, DEFAULT_SEARCH_PATH);
  my = await MysqlClient.open(myServer, DEFAULT_SEARCH_PATH);
});
afterAll(async () => {
  await Promise.all([postgres.stop(), mariadb.stop()]);
  bench.remove();
});

async function dumpOf(path: string): Promise<DumpFile> {
  const { snapshots } = await listSnapshots(bench.repo);
  return await snapshotFile(bench.repo, await BlobIndex.load(bench.repo), snapshots[0]!, path);
}

/** A dump that breaks off, as one does whose pack is damaged. */
function breaking(dump: DumpFile, after: number): DumpFile {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    let left = after;
    for await (const piece of dump.bytes()) {
      if (piece.length > left) {
        yield piece.subarray(0, left);
        throw new Error('a pack is damaged');
      }
      left -= piece.length;
      yield piece;
    }
  }
  return { ...dump, bytes };
}

/** A dump that ends early and says nothing. */
function cut(dump: DumpFile, bytesLost: number): DumpFile {
  return {
    ...dump,
    bytes: async function* () {
      const pieces: Uint8Array[] = [];
      for await (const piece of dump.bytes()) pieces.push(piece);
      yield Buffer.concat(pieces).subarray(0, -bytesLost);
    },
  };
}

const plain = { create: false, clean: false, noOwner: false };

describe('PostgreSQL', () => {
  const rows = "SELECT count(*), md5(string_agg(item::text, ',' ORDER BY id)) FROM item; SELECT twice(4)";
  const databases = (): string => postgres.sql('SELECT datname FROM pg_database ORDER BY 1').replaceAll('\n', ' ');
  const path = '/postgres/main/shop.dump';

  test('a database that is not there is made when that is asked, and holds the same', async () => {
    const dump = await dumpOf(path);
    await expect(restorePostgres(pg, dump, { ...plain, into: 'made' })).rejects.toThrow('With --create');
    const into = `made 'new" = x`;
    let seen = 0;
    await restorePostgres(pg, dump, { ...plain, into, create: true, onBytes: (bytes) => (seen += bytes) });
    expect(postgres.sql(rows, into)).toBe(postgres.sql(rows, 'shop'));
    expect(postgres.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'item'", into)).toBe('owner1');
    expect(seen).toBe(dump.size);
    postgres.sql(`DROP DATABASE "made 'new"" = x"`);
  });

  test('one that holds something is refused untouched, and replaced whole with --clean', async () => {
    postgres.sql('CREATE DATABASE full_one');
    postgres.sql('CREATE TABLE mine(x int)', 'full_one');
    const dump = await dumpOf(path);
    await expect(restorePostgres(pg, dump, { ...plain, into: 'full_one', create: true })).rejects.toThrow(
      'is not empty',
    );
    expect(postgres.sql('SELECT count(*) FROM mine', 'full_one')).toBe('0');
    await restorePostgres(pg, dump, { ...plain, into: 'full_one', clean: true });
    expect(postgres.sql(rows, 'full_one')).toBe(postgres.sql(rows, 'shop'));
    expect(postgres.sql("SELECT to_regclass('mine') IS NULL", 'full_one')).toBe('t');
    postgres.sql('DROP DATABASE full_one');
  });

  test.each([
    ['cannot be read to its end', (dump: DumpFile) => breaking(dump, 200_000), 'a pack is damaged'],
    ['is cut', (dump: DumpFile) => cut(dump, 100_000), 'pg_restore'],
  ])('a dump that %s leaves every database as it was', async (_, damage, why) => {
    postgres.sql('CREATE DATABASE mine');
    postgres.sql('CREATE TABLE mine(x int)', 'mine');
    postgres.sql('CREATE DATABASE hollow');
    const before = databases();
    const dump = damage(await dumpOf(path));
    for (const terms of [{ into: 'another', create: true }, { into: 'mine', clean: true }, { into: 'hollow' }])
      await expect(restorePostgres(pg, dump, { ...plain, ...terms })).rejects.toThrow(why);
    expect(databases()).toBe(before);
    expect(postgres.sql('SELECT count(*) FROM mine', 'mine')).toBe('0');
    expect(postgres.sql("SELECT to_regclass('item') IS NULL", 'hollow')).toBe('t');
    postgres.sql('DROP DATABASE mine');
    postgres.sql('DROP DATABASE hollow');
  });

  test('a database in use is not replaced', async () => {
    postgres.sql('CREATE DATABASE busy');
    postgres.sql('CREATE TABLE mine(x int)', 'busy');
    const psql = join(postgres.programs, 'psql');
    const user = spawn(psql, ['-X', '-h', '127.0.0.1', '-p', String(postgres.port), '-U', 'postgres', 'busy'], {
      env: { ...process.env, PGPASSWORD: postgres.password },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    user.stdin.write('SELECT 1;\n');
    await new Promise((resolve) => user.stdout.once('data', resolve));
    await expect(restorePostgres(pg, await dumpOf(path), { ...plain, into: 'busy', clean: true })).rejects.toThrow(
      'is in use',
    );
    user.stdin.end();
    await new Promise((resolve) => user.once('exit', resolve));
    postgres.sql('DROP DATABASE busy');
  });

  test('roles come back; those that are there keep their password unless they are to become what they were', async () => {
    const secretOf = (role: string): string =>
      postgres.sql(`SELECT rolpassword FROM pg_authid WHERE rolname = '${role}'`);
    const old = secretOf('clerk');
    const own = secretOf('postgres');
    postgres.sql("ALTER ROLE clerk PASSWORD 'new'; REASSIGN OWNED BY owner1 TO postgres");
    postgres.sql('REASSIGN OWNED BY owner1 TO postgres; DROP OWNED BY owner1', 'shop');
    postgres.sql('DROP ROLE owner1');
    const changed = secretOf('clerk');
    const dump = await dumpOf('/postgres/main/globals.sql');
    await restorePostgresGlobals(pg, dump, { clean: false });
    expect(postgres.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'owner1'")).toBe('1');
    expect(secretOf('clerk')).toBe(changed);
    await restorePostgresGlobals(pg, dump, { clean: true });
    expect([secretOf('clerk'), secretOf('postgres')]).toEqual([old, own]);
  });

  test('a list of roles that would start a program is refused', () => {
    for (const line of [
      '\\! touch /tmp/x',
      '  \\! id',
      "\\copy x from program 'id'",
      '\\restrict a b',
      '\\connect "x" \\! id',
    ])
      expect(() => globalsFor(`CREATE ROLE a;\n${line}\n`, new Set(), false)).toThrow('could start a program');
    expect(
      globalsFor('\\restrict aZ9\nCREATE ROLE a;\nCREATE ROLE "b c";\n\\unrestrict aZ9\n', new Set(['"b c"']), true),
    ).toBe('CREATE ROLE a;\n');
  });
});

describe('MariaDB', () => {
  const path = '/mysql/main/shop.sql';
  const rows = (name: string): string =>
    mariadb.sql(`SET group_concat_max_len = 10000000; SELECT COUNT(*), MD5(GROUP_CONCAT(CONCAT_WS('|', id, name, HEX(pad)) ORDER BY id)) FROM \`${name}\`.item;
      SELECT routine_name FROM information_schema.routines WHERE routine_schema = '${name}'`);
  const databases = (): string => mariadb.sql('SHOW DATABASES');

  test('a database that is not there is made when that is asked; one that holds something is replaced only with --clean', async () => {
    const dump = await dumpOf(path);
    const into = "made 'new` x";
    await expect(restoreMysql(my, dump, { ...plain, into })).rejects.toThrow('With --create');
    await restoreMysql(my, dump, { ...plain, into, create: true });
    mariadb.sql('CREATE DATABASE again');
    await restoreMysql(my, dump, { ...plain, into: 'again' });
    expect(rows('again')).toBe(rows('shop'));
    await expect(restoreMysql(my, dump, { ...plain, into: 'again', create: true })).rejects.toThrow('is not empty');
    mariadb.sql('DELETE FROM again.item; CREATE TABLE again.mine(x int)');
    await restoreMysql(my, dump, { ...plain, into: 'again', clean: true });
    expect(rows('again')).toBe(rows('shop'));
    expect(mariadb.sql('SHOW TABLES', 'again')).toBe('item');
    mariadb.sql(`DROP DATABASE again; DROP DATABASE \`made 'new\`\` x\``);
  });

  test.each([
    ['cannot be read to its end', (dump: DumpFile) => breaking(dump, 200_000), 'a pack is damaged'],
    ['is cut', (dump: DumpFile) => cut(dump, 100), 'cut off'],
  ])('a dump that %s changes nothing', async (_, damage, why) => {
    mariadb.sql('CREATE DATABASE mine; CREATE TABLE mine.mine(x int)');
    const before = databases();
    const dump = damage(await dumpOf(path));
    for (const terms of [
      { into: 'another', create: true },
      { into: 'mine', clean: true },
    ])
      await expect(restoreMysql(my, dump, { ...plain, ...terms })).rejects.toThrow(why);
    expect(databases()).toBe(before);
    expect(mariadb.sql('SHOW TABLES', 'mine')).toBe('mine');
    mariadb.sql('DROP DATABASE mine');
  });

  test('a dump that the server refuses leaves no half, and one that calls the shell is only SQL', async () => {
    const mark = join(bench.folder, 'it-ran');
    const text = (sql: string): DumpFile => ({
      path: '/mysql/main/bad.sql',
      size: sql.length,
      bytes: async function* () {
        yield Buffer.from(`${sql}\n-- Dump completed\n`);
      },
    });
    for (const sql of [
      `CREATE TABLE a(x int);\n\\! touch ${mark}\n`,
      'CREATE TABLE a(x int);\nNONSENSE;',
      `system touch ${mark};`,
    ])
      await expect(restoreMysql(my, text(sql), { ...plain, into: 'bad', create: true })).rejects.toThrow(
        /error in your SQL|Unknown command/,
      );
    expect(databases()).not.toContain('bad');
    expect(existsSync(mark)).toBe(false);
  });
});

describe('SQLite', () => {
  const path = '/sqlite/app/app.db';

  test('comes back to a file; one that is there stays, or is set aside with its journal', async () => {
    const dump = await dumpOf(path);
    const into = join(bench.folder, 'back', 'app.db');
    await expect(restoreSqlite(dump, { ...plain, into })).rejects.toThrow('There is no folder');
    bench.file('back/other', '');
    expect(await restoreSqlite(dump, { ...plain, into })).toBe(undefined);
    expect(sqlite(into, 'PRAGMA integrity_check; SELECT sum(x) FROM t')).toBe('ok\n6');
    sqlite(into, 'INSERT INTO t VALUES (100)');
    writeFileSync(`${into}-journal`, 'of the former one');
    await expect(restoreSqlite(dump, { ...plain, into, create: true })).rejects.toThrow('is there already');
    const aside = await restoreSqlite(dump, { ...plain, into, clean: true });
    expect(sqlite(into, 'SELECT sum(x) FROM t')).toBe('6');
    expect(readFileSync(`${aside}-journal`, 'utf8')).toBe('of the former one');
    const left = readdirSync(join(bench.folder, 'back')).filter((name) => !name.includes('.before-'));
    expect(left.toSorted()).toEqual(['app.db', 'other']);
  });

  test('a dump that is damaged or cut takes no place', async () => {
    const whole = await dumpOf(path);
    const into = bench.file('mine.db', '');
    sqlite(into, 'CREATE TABLE mine(x)');
    for (const dump of [breaking(whole, 5000), cut(whole, 4096)])
      await expect(restoreSqlite(dump, { ...plain, into, clean: true })).rejects.toThrow(/damaged|not sound/);
    expect(sqlite(into, '.tables')).toBe('mine');
    expect(readdirSync(bench.folder).filter((name) => name.includes('.restore-'))).toEqual([]);
  });
});
