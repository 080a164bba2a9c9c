/** The server's services on a database of their own: started before all tests of a file, stopped after them. */
import pg from 'pg';
import { startTestPostgres, type TestPostgres } from '../../tests/support/start-test-postgres.ts';
import { createTestServices } from './test-services.ts';

export type StartedTestServices = ReturnType<typeof createTestServices> & {
  readonly database: TestPostgres;
  /** Past every wall, as the owner of the tables: to plant rows and to see what was written. */
  readonly admin: pg.Client;
  stop(): Promise<void>;
};

export async function startTestServices(more: { readonly redisUrl?: string } = {}): Promise<StartedTestServices> {
  const database = await startTestPostgres();
  const services = createTestServices({ ...database, ...more });
  const admin = new pg.Client({ connectionString: database.databaseUrl });
  await admin.connect();
  const stop = async (): Promise<void> => {
    await admin.end();
    await services.close();
    await database.stop();
  };
  return { ...services, database, admin, stop };
}
