/** Worker services on a database of their own: started before all tests of a file, stopped after them. */
import { startTestPostgres, type TestPostgres } from '../../tests/support/start-test-postgres.ts';
import { createWorkerServices, removeFolders, type TestServices } from './test-device.ts';

export type StartedServices = TestServices & { readonly database: TestPostgres; stop(): Promise<void> };

export async function startWorkerServices(): Promise<StartedServices> {
  const database = await startTestPostgres();
  const services = createWorkerServices(database);
  const stop = async (): Promise<void> => {
    await services.close();
    removeFolders(services);
    await database.stop();
  };
  return { ...services, database, stop };
}
