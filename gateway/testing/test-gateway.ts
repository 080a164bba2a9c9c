/** The real gateway on a real database and a real file store, with a provider that has two customers. For *.db.test.ts. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type Clock, manualClock } from '../../core/base/clock.ts';
import { newId } from '../../core/base/ids.ts';
import type { Log } from '../../core/base/log.ts';
import type { PolicyDocument } from '../../core/domain/policy.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import { scopeForSystem } from '../../server/access/scope.ts';
import { applyChange } from '../../server/changes/apply-change.ts';
import { insertToken } from '../../server/devices/create-enrolment-token.ts';
import { loadEnv } from '../../server/env.ts';
import { createServices, type Services } from '../../server/services.ts';
import { startTestPostgres, type TestPostgres } from '../../tests/support/start-test-postgres.ts';
import { createGatewayApp } from '../gateway-app.ts';
import { type ServedGateway, serveGateway } from '../serve-gateway.ts';

const START_MS = Date.UTC(2026, 5, 1, 9);

export interface SeededCustomer {
  readonly tenantId: string;
  readonly customerId: string;
  readonly policyId: string;
}

export interface TestGateway {
  readonly url: string;
  readonly services: Services;
  readonly clock: ReturnType<typeof manualClock>;
  readonly database: TestPostgres;
  readonly storeRoot: string;
  readonly customers: readonly [SeededCustomer, SeededCustomer];
  /** What the gateway has logged, for tests that nothing secret is in it. */
  readonly logged: readonly string[];
  createToken(customer: SeededCustomer): Promise<string>;
  /** As the database's administrator, past row-level security. */
  sql(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export const testPolicy: PolicyDocument = {
  paths: ['/srv'],
  excludes: [],
  schedule: { everyMinutes: 60, windowMinutes: 30 },
  rpoMinutes: 120,
  rtoMinutes: 240,
  partialToleranceShare: 0.001,
  drill: { level: 3, everyHours: 24, sampleFiles: 5 },
  selfRestore: false,
};

export interface TestGatewayOptions {
  /** A bucket of the emulated Google Cloud Storage instead of files, set up by the environment as in production. */
  readonly gcs?: { readonly apiEndpoint: string; readonly bucket: string; readonly credentialsJson: string };
  /** Google's client refuses to sign what would have expired by the machine's own clock. */
  readonly startMs?: number;
}

export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const database = await startTestPostgres();
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-gateway-'));
  const storeRoot = join(folder, 'store');
  const clock = manualClock(options.startMs ?? START_MS);
  const logged: string[] = [];
  const signing = { baseUrl: '', key: randomBytes(32) };
  await writeFile(join(folder, 'root.key'), randomBytes(32).toString('base64'), { mode: 0o600 });
  const env = loadEnv({
    DATABASE_SERVICE_URL: database.serviceUrl,
    QUEUE_DATABASE_URL: database.queueUrl,
    HOLDFAST_ROOT_KEY_FILE: join(folder, 'root.key'),
    HOLDFAST_STORE_PATH: storeRoot,
    HOLDFAST_STORE_SIGNING_KEY: Buffer.from(signing.key).toString('base64'),
    HOLDFAST_SCRATCH_PATH: join(folder, 'scratch'),
    ...(options.gcs === undefined
      ? {}
      : {
          HOLDFAST_STORE: 'gcs',
          HOLDFAST_GCS_BUCKET: options.gcs.bucket,
          HOLDFAST_GCS_PREFIX: 'holdfast',
          HOLDFAST_GCS_API_ENDPOINT: options.gcs.apiEndpoint,
          HOLDFAST_GCS_CREDENTIALS_JSON: options.gcs.credentialsJson,
        }),
  });
  // The store signs URLs with the address of a gateway whose port is known only once it listens.
  const store = options.gcs === undefined ? { store: createFileStore({ root: storeRoot, signing, clock }) } : {};
  const services = createServices(env, { clock, ...store, log: recordingLog(logged) });
  const app = createGatewayApp(services, options.gcs === undefined ? { objectSigningKey: signing.key } : {});
  const served: ServedGateway = await serveGateway(app, { host: '127.0.0.1', port: 0 });
  signing.baseUrl = served.url;
  const admin = new pg.Pool({ connectionString: database.databaseUrl, max: 2 });
  const sql: TestGateway['sql'] = async (text, values = []) => (await admin.query(text, [...values])).rows;
  return {
    url: served.url,
    services,
    clock,
    database,
    storeRoot,
    logged,
    sql,
    customers: await seedProvider(services, sql, clock),
    createToken: async ({ tenantId, customerId, policyId }) => {
      const scope = scopeForSystem(tenantId);
      const input = { customerId, policyId, label: 'test' };
      return (await applyChange(services, scope, (change) => insertToken(services, change, scope, input))).token;
    },
    async close() {
      await served.close(0);
      await services.close();
      await admin.end();
      await database.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function seedProvider(
  services: Services,
  sql: TestGateway['sql'],
  clock: Clock,
): Promise<[SeededCustomer, SeededCustomer]> {
  const tenantId = newId(clock);
  const wrappedKek = services.keys.createTenantKey(tenantId);
  await sql('INSERT INTO tenant (id, name, slug, wrapped_kek) VALUES ($1, $2, $3, $4)', [
    tenantId,
    'Test provider',
    `test-${tenantId}`,
    wrappedKek,
  ]);
  const seed = async (name: string): Promise<SeededCustomer> => {
    const customerId = newId(clock);
    const policyId = newId(clock);
    await sql('INSERT INTO customer (tenant_id, id, name) VALUES ($1, $2, $3)', [tenantId, customerId, name]);
    await sql('INSERT INTO policy (tenant_id, id, customer_id, name, document) VALUES ($1, $2, $3, $4, $5)', [
      tenantId,
      policyId,
      customerId,
      'Standard',
      JSON.stringify(testPolicy),
    ]);
    return { tenantId, customerId, policyId };
  };
  return [await seed('First customer'), await seed('Second customer')];
}

function recordingLog(lines: string[]): Log {
  const record = (level: string) => (fields: object, message: string) => {
    const { err, ...rest } = fields as { err?: unknown };
    lines.push(`${level} ${message} ${JSON.stringify(rest)} ${err instanceof Error ? err.stack : ''}`);
  };
  return { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') };
}
