import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, type TestPostgres } from '../../tests/support/start-test-postgres.ts';
import { TEST_PASSWORDS, testDatabaseUrls } from '../../tests/support/test-database-urls.ts';
import { migrate } from '../migrate.ts';

let database: TestPostgres;
let folder: string;
let made = 0;

beforeAll(async () => {
  database = await startTestPostgres();
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-migrate-'));
});
afterAll(async () => {
  for (let number = 1; number <= made; number += 1)
    await query(database.databaseUrl, `DROP DATABASE IF EXISTS ${database.name}_${number} WITH (FORCE)`);
  await database.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function query<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** URLs of a database that does not exist yet. */
function newUrls(): ReturnType<typeof testDatabaseUrls> {
  made += 1;
  return testDatabaseUrls(database.databaseUrl, `${database.name}_${made}`);
}

function writeMigrations(name: string, files: Record<string, string>): string {
  const base = path.join(folder, name);
  rmSync(base, { recursive: true, force: true });
  for (const [migration, sql] of Object.entries(files)) {
    mkdirSync(path.join(base, migration), { recursive: true });
    writeFileSync(path.join(base, migration, 'migration.sql'), sql);
  }
  return base;
}

describe('migrate', () => {
  test('creates a missing database, owns tables by the role that nobody logs in as, and a second run changes nothing', async () => {
    const { databaseUrl } = newUrls();
    const migrationsFolder = writeMigrations('plain', {
      '20260102000000_second': 'ALTER TABLE thing ADD COLUMN size int',
      '20260101000000_first': 'CREATE TABLE thing (id int PRIMARY KEY)',
    });
    expect(await migrate({ databaseUrl, migrationsFolder })).toEqual(['20260101000000_first', '20260102000000_second']);
    expect(await migrate({ databaseUrl, migrationsFolder })).toEqual([]);
    expect(
      await query(databaseUrl, "SELECT tableowner FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"),
    ).toEqual([{ tableowner: 'holdfast_owner' }, { tableowner: 'holdfast_owner' }]);
  });

  test('of four at once on a new database exactly one applies', async () => {
    const { databaseUrl } = newUrls();
    const migrationsFolder = writeMigrations('race', {
      '20260101000000_first': 'CREATE TABLE thing (id int); SELECT pg_sleep(0.2)',
    });
    const results = await Promise.all([1, 2, 3, 4].map(() => migrate({ databaseUrl, migrationsFolder })));
    expect(results.flat()).toEqual(['20260101000000_first']);
  });

  test('a failing migration leaves nothing of itself behind, and its mended text applies afterwards', async () => {
    const { databaseUrl } = newUrls();
    const broken = { '20260101000000_first': 'CREATE TABLE thing (id int); CREATE TABLE thing (id int)' };
    await expect(migrate({ databaseUrl, migrationsFolder: writeMigrations('broken', broken) })).rejects.toThrow(
      /20260101000000_first failed and was rolled back: relation "thing" already exists/,
    );
    expect(await query(databaseUrl, "SELECT to_regclass('thing') AS thing")).toEqual([{ thing: null }]);
    const mended = writeMigrations('broken', { '20260101000000_first': 'CREATE TABLE thing (id int)' });
    expect(await migrate({ databaseUrl, migrationsFolder: mended })).toEqual(['20260101000000_first']);
  });

  test('an edited migration, and a database of a newer version, are refused', async () => {
    const { databaseUrl } = newUrls();
    const both = { '20260101000000_a': 'CREATE TABLE a (id int)', '20260102000000_b': 'CREATE TABLE b (id int)' };
    await migrate({ databaseUrl, migrationsFolder: writeMigrations('edited', both) });
    const edited = writeMigrations('edited', { ...both, '20260101000000_a': 'CREATE TABLE a (id bigint)' });
    await expect(migrate({ databaseUrl, migrationsFolder: edited })).rejects.toThrow(
      /20260101000000_a was changed after/,
    );
    const older = writeMigrations('edited', { '20260101000000_a': both['20260101000000_a'] });
    await expect(migrate({ databaseUrl, migrationsFolder: older })).rejects.toThrow(
      /newer Holdfast: it knows 20260102000000_b/,
    );
  });

  test('the login roles get the passwords of this call, and the queue gets its tables without the right to make schemas', async () => {
    const urls = newUrls();
    await migrate({
      databaseUrl: urls.databaseUrl,
      servicePassword: TEST_PASSWORDS.service,
      queuePassword: TEST_PASSWORDS.queue,
      queueDatabaseUrl: urls.queueUrl,
    });
    expect(await query(urls.serviceUrl, 'SELECT current_user AS me')).toEqual([{ me: 'holdfast_service' }]);
    const wrong = new URL(urls.serviceUrl);
    wrong.password = 'wrong';
    await expect(query(wrong.toString(), 'SELECT 1')).rejects.toThrow(/password authentication failed/);
    const tables = await query(urls.queueUrl, "SELECT tablename FROM pg_tables WHERE schemaname = 'bullmq'");
    expect(tables.length).toBeGreaterThan(0);
    await expect(query(urls.queueUrl, 'CREATE SCHEMA other')).rejects.toThrow(/permission denied/);
    await expect(query(urls.queueUrl, 'SELECT * FROM public.tenant')).rejects.toThrow(/permission denied/);
  });

  test('an unreachable server is one sentence that names the variable', async () => {
    await expect(migrate({ databaseUrl: 'postgresql://nobody@127.0.0.1:1/none' })).rejects.toThrow(
      /^The database none at 127\.0\.0\.1:1 cannot be reached: .*Check DATABASE_URL\.$/,
    );
  });
});
