import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { TEST_TEMPLATE, type TestDatabaseUrls, testDatabaseUrls } from './test-database-urls.ts';

export interface TestPostgres extends TestDatabaseUrls {
  name: string;
  /** Drops the database, whoever is still connected. */
  stop(): Promise<void>;
}

/** Any number: copies of one template are made one at a time, because Postgres refuses a template that is in use. */
const COPY_LOCK = 419_203;

/**
 * A fresh, migrated database on the run's cluster. Call it in `beforeAll` and `stop()` in `afterAll`:
 *
 *     let database: TestPostgres;
 *     beforeAll(async () => { database = await startTestPostgres(); });
 *     afterAll(() => database.stop());
 *
 * Only in files named *.db.test.ts, and in tests/: other suites have no cluster.
 */
export async function startTestPostgres(): Promise<TestPostgres> {
  const adminUrl = inject('postgresAdminUrl');
  if (adminUrl === undefined) {
    throw new Error('This suite has no Postgres: name the test file *.db.test.ts, or put it into tests/.');
  }
  const name = `test_${process.pid}_${randomBytes(4).toString('hex')}`;
  await withAdmin(adminUrl, async (admin) => {
    await admin.query('SELECT pg_advisory_lock($1)', [COPY_LOCK]);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${TEST_TEMPLATE}`);
  });
  return {
    name,
    ...testDatabaseUrls(adminUrl, name),
    stop: () =>
      withAdmin(adminUrl, async (admin) => void (await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))),
  };
}

async function withAdmin<T>(adminUrl: string, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}
