/** Services on a test database, with a store in memory and a clock that tests move; and a small provider to act in. */
import { randomBytes } from 'node:crypto';
import { manualClock } from '../../core/base/clock.ts';
import { newId } from '../../core/base/ids.ts';
import { silentLog } from '../../core/base/log.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { createMemoryStore } from '../../core/storage/memory-store.ts';
import { type Scope, scopeForSystem, scopeForUser } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import { insertToken } from '../devices/create-enrolment-token.ts';
import { loadEnv } from '../env.ts';
import { KeyRing } from '../keys/key-ring.ts';
import { createServices, type Services } from '../services.ts';

export interface TestUrls {
  readonly serviceUrl: string;
  readonly queueUrl: string;
  readonly redisUrl?: string;
}

export function createTestServices(urls: TestUrls): Services & { readonly clock: ReturnType<typeof manualClock> } {
  const clock = manualClock(Date.now());
  const env = loadEnv({
    DATABASE_SERVICE_URL: urls.serviceUrl,
    QUEUE_DATABASE_URL: urls.queueUrl,
    REDIS_URL: urls.redisUrl ?? '',
    HOLDFAST_ROOT_KEY_FILE: '/dev/null',
    HOLDFAST_STORE: 'file',
    HOLDFAST_STORE_PATH: '/nonexistent',
    HOLDFAST_STORE_SIGNING_KEY: randomBytes(32).toString('base64'),
    HOLDFAST_SCRATCH_PATH: '/nonexistent',
  });
  const services = createServices(env, {
    clock,
    log: silentLog,
    keys: new KeyRing(randomBytes(32)),
    store: createMemoryStore({ clock, signing: { baseUrl: 'http://store.test', key: randomBytes(32) } }),
  });
  return { ...services, clock };
}

export interface TestCustomer {
  readonly id: string;
  readonly policyId: string;
  readonly viewer: Scope;
  /** A fresh enrolment token. */
  createToken(): Promise<string>;
}

export interface TestTenant {
  readonly id: string;
  readonly system: Scope;
  readonly owner: Scope;
  readonly customers: readonly [TestCustomer, TestCustomer];
}

export const testPolicy = policyDocument.parse({
  paths: ['/srv'],
  schedule: { everyMinutes: 60, windowMinutes: 30 },
  rpoMinutes: 120,
  rtoMinutes: 60,
  drill: { level: 3, everyHours: 24, sampleFiles: 5 },
});

/** A provider with two customers, an owner and a viewer each, all named with `mark`, so that a leak can be seen. */
export async function createTestTenant(services: Services, mark: string): Promise<TestTenant> {
  const id = newId();
  const system = scopeForSystem(id);
  const customerIds = [newId(), newId()] as const;
  const policyIds = [newId(), newId()] as const;
  const ownerId = newId();
  const viewerIds = [newId(), newId()] as const;
  await applyChange(services, system, async ({ tx, audit }) => {
    const wrappedKek = Uint8Array.from(services.keys.createTenantKey(id));
    await tx.tenant.create({ data: { id, name: `${mark} tenant`, slug: `${mark}-${id}`, wrappedKek } });
    const user = { passwordHash: 'none', name: `${mark} user`, tenantId: id };
    await tx.appUser.create({
      data: { ...user, id: ownerId, role: 'owner', email: `owner-${id}@x.test` },
      select: { id: true },
    });
    for (const at of [0, 1] as const) {
      const customerId = customerIds[at];
      await tx.customer.create({ data: { tenantId: id, id: customerId, name: `${mark} customer ${at}` } });
      await tx.policy.create({
        data: { tenantId: id, id: policyIds[at], customerId, name: `${mark} policy`, document: testPolicy },
      });
      const email = `viewer-${at}-${id}@x.test`;
      await tx.appUser.create({
        data: { ...user, id: viewerIds[at], customerId, role: 'customer_viewer', email },
        select: { id: true },
      });
    }
    await audit('tenant.created', { kind: 'tenant', id }, { name: mark });
  });
  const customer = (at: 0 | 1): TestCustomer => ({
    id: customerIds[at],
    policyId: policyIds[at],
    viewer: scopeForUser({ tenantId: id, id: viewerIds[at], customerId: customerIds[at], role: 'customer_viewer' }),
    createToken: async () =>
      await applyChange(services, system, async (change) => {
        const wish = { customerId: customerIds[at], policyId: policyIds[at], label: mark };
        return (await insertToken(services, change, system, wish)).token;
      }),
  });
  const owner = scopeForUser({ tenantId: id, id: ownerId, customerId: null, role: 'owner' });
  return { id, system, owner, customers: [customer(0), customer(1)] };
}
