/** A grant opens the packs of one restore point to one device, for a time; nothing else. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { recordHeartbeat } from '../devices/record-heartbeat.ts';
import { sealTestPoint } from '../testing/seal-test-point.ts';
import { makeBackup, readyTestDevice, type TestDevice, type TestObject } from '../testing/test-device.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { grantReads } from './grant-reads.ts';
import { grantRestore } from './grant-restore.ts';
import { requestRestoreGrant } from './request-restore-grant.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

let services: StartedTestServices;
let tenant: TestTenant;
let admin: pg.Client;
let device: TestDevice;
let objects: TestObject[];
let pointId: string;

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  tenant = await createTestTenant(services, 'grants');
});
afterAll(() => services.stop());
beforeEach(async () => {
  device = await readyTestDevice(services, await tenant.customers[0].createToken());
  ({ objects, pointId } = await sealTestPoint(admin, device));
});

/** The portal's grant, and the id that the device hears of. */
async function grant(): Promise<string> {
  const wish = { restorePointId: pointId, paths: [], targetPath: '/restored' };
  await grantRestore(services, tenant.owner, wish);
  const beat = { sequence: 1, agentVersion: '0.1.0', policyVersion: 1, running: null, commandIds: [] };
  const { commands } = await recordHeartbeat(services, device.scope, beat);
  const command = commands.find(({ kind }) => kind === 'restore');
  if (command?.kind !== 'restore') throw new Error('the device heard of no restore');
  return command.grantId;
}
const keysOf = (of: readonly TestObject[]): string[] => of.map(({ key }) => key);

describe('a grant', () => {
  test('opens the packs of its point, and no pack of another point of the same vault', async () => {
    const other = await sealTestPoint(admin, device);
    const grantId = await grant();
    const wanted = [...keysOf(objects.slice(0, 2)), other.objects[0]!.key];
    const { downloads, missing } = await grantReads(services, device.scope, { keys: wanted, list: null, grantId });
    expect(downloads.map(({ key }) => key).sort()).toEqual(keysOf(objects.slice(0, 2)).sort());
    expect(missing).toEqual([other.objects[0]!.key]);
  });

  test('serves no other device, not even one of the same customer', async () => {
    const grantId = await grant();
    const other = await readyTestDevice(services, await tenant.customers[0].createToken());
    const point = await sealTestPoint(admin, other);
    const reading = grantReads(services, other.scope, { keys: [point.objects[0]!.key], list: null, grantId });
    await expect(reading).rejects.toMatchObject({ code: 'grant_required' });
    const foreign = await grantReads(services, other.scope, { keys: keysOf(objects), list: null, grantId });
    expect(foreign.downloads).toEqual([]);
  });

  test('ends by itself', async () => {
    const grantId = await grant();
    services.clock.advance(9 * 60 * 60_000);
    const reading = grantReads(services, device.scope, { keys: [objects[0]!.key], list: null, grantId });
    await expect(reading).rejects.toMatchObject({ code: 'grant_expired' });
    services.clock.advance(-9 * 60 * 60_000);
  });

  test('is given by staff alone, and not for a point in quarantine', async () => {
    const wish = { restorePointId: pointId, paths: [], targetPath: '/restored' };
    await expect(grantRestore(services, tenant.customers[0].viewer, wish)).rejects.toMatchObject({ code: 'forbidden' });
    const neighbour = await createTestTenant(services, 'neighbour');
    await expect(grantRestore(services, neighbour.owner, wish)).rejects.toMatchObject({ code: 'not_found' });
    await admin.query(
      `UPDATE restore_point SET state = 'quarantined', is_usable = false, quarantine_reason = 'test' WHERE id = $1`,
      [pointId],
    );
    await expect(grantRestore(services, tenant.owner, wish)).rejects.toMatchObject({ code: 'vault_quarantined' });
  });
});

test('without a grant, metadata can be read and contents cannot; what was never sealed is not there', async () => {
  const [pack, tree, index] = objects;
  const runId = await device.startRun();
  const fresh = makeBackup();
  await device.upload(runId, fresh);
  const keys = [tree!.key, index!.key, 'config', fresh[1]!.key, fresh[2]!.key];
  const { downloads, missing } = await grantReads(services, device.scope, { keys, list: null, grantId: null });
  expect(downloads.map(({ key }) => key).sort()).toEqual([tree!.key, index!.key, 'config'].sort());
  expect(missing).toEqual([fresh[1]!.key, fresh[2]!.key]);
  const contents = grantReads(services, device.scope, { keys: [pack!.key], list: null, grantId: null });
  await expect(contents).rejects.toMatchObject({ code: 'grant_required' });
});

test('a device restores by itself only where its policy says so', async () => {
  const { snapshotId } = await sealTestPoint(admin, device);
  const asking = requestRestoreGrant(services, device.scope, { snapshotId, paths: [] });
  await expect(asking).rejects.toMatchObject({ code: 'grant_required' });
  await admin.query(`UPDATE policy SET document = jsonb_set(document, '{selfRestore}', 'true') WHERE tenant_id = $1`, [
    tenant.id,
  ]);
  const { grantId } = await requestRestoreGrant(services, device.scope, { snapshotId, paths: [] });
  expect(grantId).toMatch(/^[0-9a-f-]{36}$/);
});
