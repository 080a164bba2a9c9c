/**
 * Vitest's global set-up of the suites that need Postgres: one cluster per run, made in a temporary folder, with one migrated
 * database that the test files' databases are copied from (a copy takes a fraction of migrating anew).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../tools/migrate.ts';
import { planPostgres } from '../../tools/services/postgres.ts';
import { startProgram } from '../../tools/services/program.ts';
import { TEST_PASSWORDS, TEST_TEMPLATE, testDatabaseUrls } from './test-database-urls.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    postgresAdminUrl: string;
  }
}

/** The cluster lives for one run: what a power cut would lose is worth the speed. */
const SETTINGS = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=200'];

export default async function setUpCluster(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-test-postgres-'));
  const plan = await planPostgres({
    dataPath: path.join(folder, 'data'),
    logPath: path.join(folder, 'log'),
    password: TEST_PASSWORDS.admin,
    settings: SETTINGS,
  });
  const server = await startProgram(plan.spec);
  const tearDown = async (): Promise<void> => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const urls = testDatabaseUrls(plan.adminUrl, TEST_TEMPLATE);
    await migrate({
      databaseUrl: urls.databaseUrl,
      servicePassword: TEST_PASSWORDS.service,
      queuePassword: TEST_PASSWORDS.queue,
      queueDatabaseUrl: urls.queueUrl,
    });
  } catch (error) {
    await tearDown();
    throw error;
  }
  project.provide('postgresAdminUrl', plan.adminUrl);
  return tearDown;
}
