/** What a new installation begins with: a provider, two customers, their users and policies, and a token for this machine. */
import { randomBytes } from 'node:crypto';
import { newId } from '../../core/base/ids.ts';
import { type PolicyDocument, policyDocument } from '../../core/domain/policy.ts';
import { hashPassword } from '../access/password.ts';
import { type Scope, scopeForSystem } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import { withDispatcher } from '../db/with-dispatcher.ts';
import { insertToken } from '../devices/create-enrolment-token.ts';
import type { Services } from '../services.ts';

export interface SeedInput {
  readonly protectPaths: readonly string[];
  readonly excludes: readonly string[];
  readonly deviceName: string;
}

export interface SignInText {
  readonly role: string;
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

export interface SeedResult {
  /** False: there was data already, and nothing was changed. */
  readonly created: boolean;
  readonly tenantId: string;
  readonly signIns: readonly SignInText[];
  /** Enrols this machine; null when there was data already. */
  readonly enrolmentToken: string | null;
}

const DAY_MINUTES = 24 * 60;

function policyFor(paths: readonly string[], excludes: readonly string[]): PolicyDocument {
  return policyDocument.parse({
    paths: [...paths],
    excludes: [...excludes],
    schedule: { everyMinutes: DAY_MINUTES, windowMinutes: 4 * 60 },
    rpoMinutes: DAY_MINUTES + 4 * 60,
    rtoMinutes: 4 * 60,
    drill: { level: 3, everyHours: 24, sampleFiles: 50 },
    selfRestore: true,
  });
}

/** Easy to read out, 80 random bits. */
function newPassword(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
  const text = Array.from(randomBytes(18), (byte) => letters[byte % letters.length]).join('');
  return `${text.slice(0, 6)}-${text.slice(6, 12)}-${text.slice(12)}`;
}

/** Repeatable: a second call finds the first one's tenant and changes nothing. */
export async function seedFirstStart(services: Services, input: SeedInput): Promise<SeedResult> {
  const tenants = await withDispatcher(
    services,
    (tx) => tx.$queryRaw<{ id: string }[]>`SELECT id FROM tenant ORDER BY id`,
  );
  const existing = tenants[0];
  if (existing !== undefined) return { created: false, tenantId: existing.id, signIns: [], enrolmentToken: null };
  const tenantId = newId(services.clock);
  const scope = scopeForSystem(tenantId);
  const people = [
    { role: 'owner', name: 'Hanna Berg', email: 'hanna@harbour-it.example', customer: null },
    { role: 'technician', name: 'Tomas Reyes', email: 'tomas@harbour-it.example', customer: null },
    { role: 'customer_viewer', name: 'Maja Lindqvist', email: 'maja@lindqvist-dental.example', customer: 0 },
    { role: 'customer_viewer', name: 'Sam Orchard', email: 'sam@orchard-and-sons.example', customer: 1 },
  ] as const;
  const accounts = await Promise.all(
    people.map(async (person) => {
      const password = newPassword();
      return { ...person, password, passwordHash: await hashPassword(password) };
    }),
  );
  const enrolmentToken = await applyChange(services, scope, async (change) => {
    await createTenant(services, change, tenantId);
    const customers = [
      await createCustomer(services, change, tenantId, 'Lindqvist Dental', 'Europe/Stockholm'),
      await createCustomer(services, change, tenantId, 'Orchard & Sons', 'Europe/London'),
    ] as const;
    const policyId = await createPolicy(
      services,
      change,
      tenantId,
      customers[0],
      'Workstations',
      policyFor(input.protectPaths, input.excludes),
    );
    await createPolicy(services, change, tenantId, customers[1], 'Office', policyFor(['/srv/office'], []));
    for (const account of accounts) {
      const customerId = account.customer === null ? null : customers[account.customer];
      await createUser(services, change, tenantId, { ...account, customerId });
    }
    return await firstToken(services, change, scope, customers[0], policyId, input.deviceName);
  });
  const signIns = accounts.map(({ role, name, email, password }) => ({ role, name, email, password }));
  return { created: true, tenantId, signIns, enrolmentToken };
}

/** A token for this machine when its first enrolment did not come about. */
export async function createFirstDeviceToken(
  services: Services,
  tenantId: string,
  deviceName: string,
): Promise<string> {
  const scope = scopeForSystem(tenantId);
  return await applyChange(services, scope, async (change) => {
    const policy = await change.tx.policy.findFirstOrThrow({ where: { tenantId }, orderBy: { createdAt: 'asc' } });
    return await firstToken(services, change, scope, policy.customerId, policy.id, deviceName);
  });
}

async function firstToken(
  services: Services,
  change: Change,
  scope: Scope,
  customerId: string,
  policyId: string,
  deviceName: string,
): Promise<string> {
  return (await insertToken(services, change, scope, { customerId, policyId, label: `${deviceName}, this machine` }))
    .token;
}

async function createTenant(services: Services, { tx, audit }: Change, tenantId: string): Promise<void> {
  const wrappedKek = Uint8Array.from(services.keys.createTenantKey(tenantId));
  await tx.tenant.create({ data: { id: tenantId, name: 'Harbour IT', slug: 'harbour-it', wrappedKek } });
  await audit('tenant.created', { kind: 'tenant', id: tenantId }, { name: 'Harbour IT' });
}

async function createCustomer(
  services: Services,
  { tx, audit }: Change,
  tenantId: string,
  name: string,
  timezone: string,
): Promise<string> {
  const id = newId(services.clock);
  await tx.customer.create({ data: { tenantId, id, name, timezone } });
  await audit('customer.created', { kind: 'customer', id }, { name });
  return id;
}

async function createPolicy(
  services: Services,
  { tx, audit }: Change,
  tenantId: string,
  customerId: string,
  name: string,
  document: PolicyDocument,
): Promise<string> {
  const id = newId(services.clock);
  await tx.policy.create({ data: { tenantId, id, customerId, name, document } });
  await audit('policy.created', { kind: 'policy', id }, { name });
  return id;
}

async function createUser(
  services: Services,
  { tx, audit }: Change,
  tenantId: string,
  user: { role: string; name: string; email: string; passwordHash: string; customerId: string | null },
): Promise<void> {
  const id = newId(services.clock);
  const { role, name, email, passwordHash, customerId } = user;
  // The hash may be written and never read back, so the row is not returned as a whole.
  await tx.appUser.create({
    data: { tenantId, id, customerId, role, name, email, passwordHash },
    select: { id: true },
  });
  await audit('user.created', { kind: 'app_user', id }, { role });
}
