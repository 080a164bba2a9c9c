/** What a machine holds beside what is backed up of it: measured as far as it is known, and decided by people with a name. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BackupSource } from '../../core/domain/backup-source.ts';
import type { Inventory } from '../../core/protocol/inventory.ts';
import { sealTestPoint } from '../testing/seal-test-point.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { readyTestDevice, type TestDevice } from '../testing/test-device.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { excludeFromCoverage, withdrawExclusion } from './decide-exclusion.ts';
import { recordInventory } from './record-inventory.ts';
import { viewCoverage, viewDeviceCoverage } from './view-coverage.ts';

let services: StartedTestServices;
let admin: pg.Client;
let tenant: TestTenant;
const DAY = 24 * 3_600_000;
const GB = 1e9;

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  tenant = await createTestTenant(services, 'coverage');
});
afterAll(() => services.stop());

const inventory: Inventory = {
  volumes: [
    { mountPoint: '/', fileSystem: 'ext4', usedBytes: 10 * GB, sizeBytes: 50 * GB },
    { mountPoint: '/srv', fileSystem: 'xfs', usedBytes: 30 * GB, sizeBytes: 50 * GB },
    { mountPoint: '/scratch', fileSystem: 'xfs', usedBytes: 60 * GB, sizeBytes: 90 * GB },
  ],
  databases: [
    { kind: 'postgres', socket: '/run/postgresql', port: 5432, dataFolder: '/var/lib/postgresql', container: null },
    { kind: 'postgres', socket: '/run/postgresql', port: 5433, dataFolder: '/srv/old', container: null },
    { kind: 'mysql', socket: '/run/mysqld/mysqld.sock', port: 3306, dataFolder: null, container: null },
  ],
};

/** A device whose newest point holds 30 GB and, if they are given, dumps. */
async function backedUp(dumps: readonly string[] = []): Promise<TestDevice> {
  const device = await readyTestDevice(services, await tenant.customers[0].createToken());
  const { pointId } = await sealTestPoint(admin, device);
  const witness = dumps.map((label) => ({
    ...{ path: `/postgres/${label}/shop.dump`, size: 1, sha256: '0'.repeat(64), role: 'dump' },
    dump: { kind: 'postgres', label, database: 'shop', serverVersion: null, clientVersion: null },
  }));
  await admin.query(`UPDATE restore_point SET bytes = $2, witness = $3 WHERE id = $1`, [
    ...[pointId, 30 * GB, JSON.stringify([...witness, { role: 'canary', path: '/c', size: 1, sha256: '' }])],
  ]);
  return device;
}
async function setSources(sources: readonly Partial<BackupSource>[]): Promise<void> {
  await admin.query(`UPDATE policy SET document = jsonb_set(document, '{sources}', $2) WHERE tenant_id = $1`, [
    tenant.id,
    JSON.stringify(sources),
  ]);
}
const view = async (scope = tenant.owner) => await viewCoverage(services, scope, tenant.customers[0].id);
const postgres = { kind: 'postgres', label: 'shop', user: 'backup', login: { kind: 'peer' } } as const;

test('a machine is not measured until it tells, and not any more a week after it told last', async () => {
  const device = await backedUp();
  const before = await view();
  expect(before.figures).toMatchObject({
    ...{ devices: 1, data: { share: null, measured: 0 }, databases: { share: null, measured: 0 } },
  });
  expect(before.devices[0]).toMatchObject({ receivedMs: null, data: null, volumes: null, databases: null });
  await recordInventory(services, device.scope, inventory);
  const { figures, devices } = await view();
  expect(figures).toMatchObject({
    data: { met: 30 * GB, of: 100 * GB, share: 0.3, measured: 1 },
    databases: { met: 0, of: 3, share: 0, measured: 1, unprotected: 3 },
  });
  // The policy's folder is /srv.
  expect(devices[0]?.volumes?.map(({ state }) => state)).toEqual(['unselected', 'selected', 'unselected']);
  services.clock.advance(8 * DAY);
  expect((await view()).figures.data).toMatchObject({ share: null, measured: 0 });
  // A machine that tells less than before is believed: what it cannot tell any more is not known.
  await recordInventory(services, device.scope, { volumes: null, databases: [] });
  expect((await view()).figures).toMatchObject({
    data: { measured: 0 },
    databases: { measured: 1, of: 0, share: null },
  });
  await admin.query(`UPDATE device SET revoked_at = now() WHERE id = $1`, [device.answer.deviceId]);
});

test('a server is protected by a dump in the newest usable restore point, and by nothing less', async () => {
  const device = await backedUp(['shop']);
  await recordInventory(services, device.scope, inventory);
  await setSources([postgres, { ...postgres, label: 'old', port: 5433 }]);
  const [line] = (await view()).devices;
  expect(line?.databases?.map(({ label, state }) => [label, state])).toEqual([
    ['shop', 'protected'],
    ['old', 'configured'],
    [null, 'unprotected'],
  ]);
  expect(line?.selectedBytes).toBe(30 * GB);
  const { customerId, deviceId } = device.answer;
  expect(await viewDeviceCoverage(services, tenant.owner, { customerId, deviceId })).toEqual(line);
  await admin.query(`UPDATE restore_point SET is_usable = false WHERE device_id = $1`, [device.answer.deviceId]);
  const [without] = (await view()).devices;
  expect(without?.databases?.[0]?.state).toBe('configured');
  expect(without?.selectedBytes).toBe(0);
  await setSources([]);
  await admin.query(`UPDATE device SET revoked_at = now() WHERE id = $1`, [device.answer.deviceId]);
});

test('what staff decide to leave out does not count until they take it back, and the customer reads why', async () => {
  const device = await backedUp();
  await recordInventory(services, device.scope, inventory);
  const { deviceId } = device.answer;
  const [customer] = tenant.customers;
  const scratch = { kind: 'volume', subject: '/scratch', words: 'Made anew each night.' } as const;
  const exclude = async (wish: Parameters<typeof excludeFromCoverage>[3], scope = tenant.owner) =>
    await excludeFromCoverage(services, scope, deviceId, wish);
  await expect(exclude(scratch, customer.viewer)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(exclude({ ...scratch, words: '  ' })).rejects.toMatchObject({ code: 'bad_request' });
  await expect(exclude({ ...scratch, subject: '/elsewhere' })).rejects.toMatchObject({ code: 'not_found' });
  const stranger = await createTestTenant(services, 'stranger');
  await expect(exclude(scratch, stranger.owner)).rejects.toMatchObject({ code: 'not_found' });
  const { id } = await exclude(scratch);
  await expect(exclude(scratch)).rejects.toMatchObject({ code: 'conflict' });
  const database = (await view()).devices[0]?.databases?.[2];
  await exclude({ kind: 'database', subject: database?.key ?? '', words: 'A copy for tests.' });
  const seen = await view(customer.viewer);
  expect(seen.figures).toMatchObject({
    data: { met: 30 * GB, of: 40 * GB, share: 0.75, excludedBytes: 60 * GB },
    databases: { of: 2, excluded: 1 },
  });
  expect(seen.exclusions.map(({ name }) => name)).toContain(database?.name);
  expect(seen.exclusions.map(({ subject, reason, decidedBy }) => [subject, reason, decidedBy])).toContainEqual([
    ...['/scratch', 'Made anew each night.', 'your provider'],
  ]);
  await withdrawExclusion(services, tenant.owner, id);
  await expect(withdrawExclusion(services, tenant.owner, id)).rejects.toMatchObject({ code: 'not_found' });
  expect((await view()).figures.data).toMatchObject({ of: 100 * GB, excludedBytes: 0 });
  const { rows } = await admin.query(
    `SELECT withdrawn_by IS NOT NULL AS is_named FROM coverage_exclusion WHERE id = $1`,
    [id],
  );
  expect(rows).toEqual([{ is_named: true }]);
  await expect(viewCoverage(services, tenant.customers[1].viewer, customer.id)).rejects.toMatchObject({
    code: 'not_found',
  });
});
