/** The database that every test file's own is copied from. */
export const TEST_TEMPLATE = 'holdfast_template';

/** Of a cluster that listens on loopback for the minutes of one test run. */
export const TEST_PASSWORDS = { admin: 'test-admin', service: 'test-service', queue: 'test-queue' } as const;

export interface TestDatabaseUrls {
  /** As the administrator: what DATABASE_URL is. */
  databaseUrl: string;
  /** As holdfast_service: what DATABASE_SERVICE_URL is. */
  serviceUrl: string;
  /** As holdfast_queue: what QUEUE_DATABASE_URL is. */
  queueUrl: string;
}

export function testDatabaseUrls(adminUrl: string, database: string): TestDatabaseUrls {
  const as = (user: string, password: string): string => {
    const url = new URL(adminUrl);
    url.username = user;
    url.password = password;
    url.pathname = `/${database}`;
    return url.toString();
  };
  return {
    databaseUrl: as('postgres', TEST_PASSWORDS.admin),
    serviceUrl: as('holdfast_service', TEST_PASSWORDS.service),
    queueUrl: as('holdfast_queue', TEST_PASSWORDS.queue),
  };
}
