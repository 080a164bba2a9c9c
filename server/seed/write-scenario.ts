/** A planned scenario as rows: the provider and its people, customers, devices with their vaults, their history, open alerts. */
import { type AlertKind, KIND_WORDS } from '../../core/domain/alerts/kinds.ts';
import type { Scope } from '../access/scope.ts';
import { hashPassword } from '../access/password.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import type { Mishap, Scenario, ScenarioDevice } from './scenario.ts';
import { seededId } from './seeded-random.ts';
import { allowLongStatements, LONG_TRANSACTION } from './long-statements.ts';
import { excuseId, firstDueMs, userId, writeHistory } from './write-history.ts';
import { writeListings } from './write-listings.ts';

/** Of one transaction, in expected backups: some seconds' work, which a slow machine with much else to do may take for a minute. */
const EXPECTED_AT_ONCE = 10_000;
/** Of devices, however short their history. */
const DEVICES_AT_ONCE = 200;
/** One for each of two processors. */
const CHUNKS_AT_ONCE = 2;
const DAY_MS = 86_400_000;
const ENROLLED_BEFORE_MS = 15 * 60_000;

export interface ScenarioPerson {
  readonly role: 'owner' | 'technician' | 'customer_viewer';
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly customer: number | null;
}

export async function writeScenario(
  services: Services,
  scope: Scope,
  scenario: Scenario,
  people: readonly ScenarioPerson[],
  say: (done: number) => void,
): Promise<void> {
  await writeProvider(services, scope, scenario, people);
  let done = 0;
  const waiting = inChunks(scenario).values();
  const writeNext = async (): Promise<void> => {
    for (const devices of waiting) {
      await withScope(services, scope, async (tx) => await writeChunk(tx, scenario, devices), LONG_TRANSACTION);
      done += devices.length;
      say(done);
    }
  };
  await Promise.all(Array.from({ length: CHUNKS_AT_ONCE }, writeNext));
}

/** Devices of one transaction each: a year of hourly backups of a few, or a month of daily ones of many. */
function inChunks({ devices, days }: Scenario): readonly (readonly ScenarioDevice[])[] {
  const chunks: ScenarioDevice[][] = [];
  let expected = Number.POSITIVE_INFINITY;
  for (const device of devices) {
    const its = (days * 24 * 60) / device.everyMinutes;
    if (expected + its > EXPECTED_AT_ONCE || chunks.at(-1)!.length >= DEVICES_AT_ONCE) {
      chunks.push([]);
      expected = 0;
    }
    chunks.at(-1)!.push(device);
    expected += its;
  }
  return chunks;
}

async function writeChunk(tx: Tx, scenario: Scenario, devices: readonly ScenarioDevice[]): Promise<void> {
  await allowLongStatements(tx);
  // Millions of rows that follow from one plan need no foreign key looked up for each, where a database of its own allows that.
  // Everywhere else, in every test too, the same rows pass all checks.
  await tx.$queryRaw`SELECT CASE WHEN has_parameter_privilege('session_replication_role', 'SET')
    THEN set_config('session_replication_role', 'replica', true) END`;
  await writeDevices(tx, scenario, devices);
  await writeExcuses(tx, scenario, devices);
  await writeHistory(tx, scenario, devices);
  await writeAlerts(tx, scenario, devices);
  await writeListings(tx, scenario, devices);
  // Triggers do this, where they run.
  await tx.$executeRaw`INSERT INTO device_dirty (tenant_id, customer_id, device_id)
    SELECT tenant_id, customer_id, id FROM device WHERE tenant_id = ${scenario.tenantId}::uuid AND id = ANY (${devices.map(({ id }) => id)}::uuid[])`;
}

async function writeProvider(
  services: Services,
  scope: Scope,
  { tenantId, tenantName, name, seed, atMs, days, customers }: Scenario,
  people: readonly ScenarioPerson[],
): Promise<void> {
  const createdAt = new Date(atMs - (days + 30) * DAY_MS);
  const accounts: (ScenarioPerson & { passwordHash: string })[] = [];
  for (const person of people) accounts.push({ ...person, passwordHash: await hashPassword(person.password) });
  await applyChange(services, scope, async ({ tx, audit }) => {
    const wrappedKek = Uint8Array.from(services.keys.createTenantKey(tenantId));
    await tx.tenant.create({
      data: { id: tenantId, name: tenantName, slug: seedSlug(name), wrappedKek, createdAt, pastKeptAt: createdAt },
    });
    await tx.customer.createMany({
      data: customers.map((customer) => ({
        tenantId,
        id: customer.id,
        name: customer.name,
        timezone: customer.timeZone,
        createdAt,
      })),
    });
    await tx.policy.createMany({
      data: customers.flatMap(({ id, policies }) =>
        policies.map((policy) => ({
          tenantId,
          id: policy.id,
          customerId: id,
          name: policy.name,
          document: policy.document,
          createdAt,
          updatedAt: createdAt,
        })),
      ),
    });
    for (const { role, name: personName, email, passwordHash, customer } of accounts)
      await tx.appUser.create({
        data: {
          tenantId,
          id: userId(seed, email),
          customerId: customer === null ? null : (customers[customer]?.id ?? null),
          role,
          name: personName,
          email,
          passwordHash,
          createdAt,
        },
        select: { id: true },
      });
    await audit('tenant.created', { kind: 'tenant', id: tenantId }, { name: tenantName, seed: name });
  });
}

export function seedSlug(name: string): string {
  return `seed-${name}`;
}

async function writeDevices(tx: Tx, scenario: Scenario, devices: readonly ScenarioDevice[]): Promise<void> {
  const { tenantId, atMs } = scenario;
  // Its first backup follows at once: what is promised is kept from the first hour on.
  const enrolledAt = (device: ScenarioDevice): Date => new Date(firstDueMs(device, scenario) - ENROLLED_BEFORE_MS);
  const own = (device: ScenarioDevice) => ({ tenantId, customerId: device.customerId });
  await tx.device.createMany({
    data: devices.map((device) => ({
      ...own(device),
      id: device.id,
      policyId: device.policyId,
      name: device.name,
      hostname: device.hostname,
      os: device.os,
      arch: 'x64',
      agentVersion: device.agentVersion,
      // Nobody has the private half: no machine can speak for a device that was made up.
      publicKey: 'seed',
      enrolledAt: enrolledAt(device),
      tags: [...device.tags],
    })),
  });
  await tx.deviceState.createMany({
    data: devices.map((device, index) => ({
      ...own(device),
      deviceId: device.id,
      lastSeenAt: new Date(isGone(device.mishap) ? device.mishap.sinceMs : atMs - (10 + (index % 50)) * 1000),
      policyVersion: 1,
    })),
  });
  await tx.source.createMany({
    data: devices.map((device) => ({
      ...own(device),
      id: device.sourceId,
      deviceId: device.id,
      kind: 'files',
      name: 'Files',
      createdAt: enrolledAt(device),
    })),
  });
  await tx.vault.createMany({
    data: devices.map((device) => ({
      ...own(device),
      id: device.vaultId,
      deviceId: device.id,
      prefix: `v/${tenantId}/${device.vaultId}`,
      custody: device.custody,
      state: 'ready',
      repositoryId: hexOf(device.vaultId, 'repository'),
      configSha256: hexOf(device.vaultId, 'config'),
      createdAt: enrolledAt(device),
      readyAt: enrolledAt(device),
    })),
  });
  await tx.vaultCheck.createMany({
    data: devices.map((device) => ({
      ...own(device),
      vaultId: device.vaultId,
      deviceId: device.id,
      // There is nothing in the store to read: a worker must not find that missing while somebody looks at the screens.
      listingDueAt: new Date(atMs + 365 * DAY_MS),
      readingDueAt: new Date(atMs + 365 * DAY_MS),
      decryptingDueAt: new Date(atMs + 365 * DAY_MS),
      listedAt: new Date(atMs - 3_600_000),
    })),
  });
  await tx.storedObject.createMany({
    data: devices.flatMap((device) =>
      Array.from({ length: 4 }, (_, index) => {
        const hash = hexOf(device.vaultId, String(index));
        const isBad = device.mishap?.kind === 'damage' && index === 0;
        return {
          ...own(device),
          vaultId: device.vaultId,
          key: `data/${hash.slice(0, 2)}/${hash}`,
          kind: 'data_pack',
          size: BigInt(Math.round(device.bytes / 8)),
          crc32c: 'AAAAAA==',
          state: isBad ? 'damaged' : 'sealed',
          sealedAt: enrolledAt(device),
          verifiedAt: new Date(atMs - (1 + ((index * 5) % 20)) * DAY_MS),
          problem: isBad ? 'The stored bytes do not match their name.' : null,
        };
      }),
    ),
  });
}

function isGone(mishap: Mishap | null): mishap is Mishap {
  return mishap !== null && (mishap.kind === 'dead_link' || mishap.kind === 'ransomware');
}

function hexOf(...name: readonly string[]): string {
  return (seededId('hash', ...name) + seededId('hash2', ...name)).replaceAll('-', '');
}

/** What each mishap has raised, as the rules themselves would call it and weigh it. */
const ALERTS: Readonly<Record<Mishap['kind'], readonly [kind: AlertKind, message: string] | null>> = {
  dead_link: [
    'silent',
    'The agent has not reported. Earlier backups are not affected. Check that the machine is on and has a connection.',
  ],
  quota: [
    'run_failed',
    'The storage that was booked is full; nothing more could be stored. Earlier backups are not affected. Book more or keep less.',
  ],
  ransomware: [
    'ransomware',
    'The last backup stored nine tenths of the machine anew, as after an encryption. Earlier backups are kept. Look at the machine before you restore to it.',
  ],
  damage: ['damage', 'Restore points that need it are locked away. The machine is asked to send it again.'],
  drill: [
    'drill_failed',
    'One file of the sample did not come back as it was. Look at the drill, and test a restore anew.',
  ],
  stuck: ['stuck', 'The backup began and then fell silent. Earlier backups are not affected.'],
  partial: null,
  unproven: null,
};

/** The move of a machine, asked for by who did it and approved by the owner, until it was backed up again. */
async function writeExcuses(
  tx: Tx,
  { tenantId, seed, name }: Scenario,
  devices: readonly ScenarioDevice[],
): Promise<void> {
  await tx.slaExcuse.createMany({
    data: devices.flatMap(({ id, customerId, everyMinutes, windowMinutes, excused }) =>
      excused === null
        ? []
        : {
            tenantId,
            id: excuseId(seed, id),
            customerId,
            deviceId: id,
            startsAt: new Date(excused.fromMs),
            endsAt: new Date(excused.toMs + (everyMinutes + windowMinutes) * 60_000),
            reason: 'The machine was moved, as announced.',
            state: 'approved',
            requestedBy: userId(seed, `tomas@${name}.example`),
            requestedAt: new Date(excused.fromMs - 2 * DAY_MS),
            decidedBy: userId(seed, `hanna@${name}.example`),
            decidedAt: new Date(excused.fromMs - DAY_MS),
          },
    ),
  });
}

async function writeAlerts(tx: Tx, { tenantId, seed }: Scenario, devices: readonly ScenarioDevice[]): Promise<void> {
  await tx.alert.createMany({
    data: devices.flatMap((device) => {
      const alert = device.mishap === null ? null : ALERTS[device.mishap.kind];
      if (alert === null || device.mishap === null) return [];
      const [kind, message] = alert;
      const { name: title, severity } = KIND_WORDS[kind];
      return [
        {
          tenantId,
          id: seededId(seed, 'alert', device.id),
          customerId: device.customerId,
          deviceId: device.id,
          kind,
          severity,
          title,
          message,
          openedAt: new Date(device.mishap.sinceMs),
        },
      ];
    }),
  });
}
