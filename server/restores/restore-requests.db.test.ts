/** A restore is kept from its request to its end, and none vanishes: what is not heard of again has failed. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { monthOf, monthWindow } from '../../core/domain/calendar.ts';
import { scopeForJob } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import { finishCommand } from '../devices/finish-command.ts';
import { recordHeartbeat } from '../devices/record-heartbeat.ts';
import { failDownload } from '../downloads/fail-download.ts';
import { requestDownload } from '../downloads/request-download.ts';
import { tidyTenant } from '../housekeeping/tidy-tenant.ts';
import { rollUpMonth } from '../sla/roll-up.ts';
import { viewRestores } from '../sla/view-restores.ts';
import { viewSlaMonth } from '../sla/view-sla-month.ts';
import { sealTestPoint } from '../testing/seal-test-point.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { readyTestDevice, type TestDevice, type TestObject } from '../testing/test-device.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { endMachineRestore } from './end-machine-restore.ts';
import { grantReads } from './grant-reads.ts';
import { grantRestore } from './grant-restore.ts';
import { requestRestoreGrant } from './request-restore-grant.ts';

let services: StartedTestServices;
let tenant: TestTenant;
let admin: pg.Client;
let device: TestDevice;
let objects: TestObject[];
let pointId: string;
let snapshotId: string;
const SECOND = 1000;
const HOUR = 3_600_000;

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  tenant = await createTestTenant(services, 'restores');
});
afterAll(() => services.stop());
beforeEach(async () => {
  device = await readyTestDevice(services, await tenant.customers[0].createToken());
  ({ objects, pointId, snapshotId } = await sealTestPoint(admin, device));
  await admin.query(`UPDATE policy SET document = jsonb_set(document, '{selfRestore}', 'true') WHERE tenant_id = $1`, [
    tenant.id,
  ]);
});

interface Row {
  readonly state: string;
  readonly asker: string;
  readonly bytes: string | null;
  readonly reason: string | null;
  /** Seconds after the request. */
  readonly started: number | null;
  readonly first: number | null;
  readonly ended: number | null;
}
async function rowsOf(deviceId = device.answer.deviceId): Promise<Row[]> {
  const after = (column: string) => `extract(epoch FROM ${column} - requested_at)::float8`;
  const { rows } = await admin.query<Row>(
    `SELECT state, asker, bytes, reason, ${after('started_at')} AS started, ${after('first_byte_at')} AS first,
       ${after('ended_at')} AS ended FROM restore_request WHERE device_id = $1 ORDER BY requested_at, id`,
    [deviceId],
  );
  return rows;
}
const beat = (sequence: number) => ({
  ...{ sequence, agentVersion: '0.1.0', policyVersion: 1, running: null, commandIds: [] },
});

/** A restore that staff order, until the machine has heard of it. */
async function ordered(): Promise<{ commandId: string; grantId: string }> {
  const { commandId } = await grantRestore(services, tenant.owner, {
    restorePointId: pointId,
    paths: [],
    targetPath: '/restored',
  });
  services.clock.advance(5 * SECOND);
  const { commands } = await recordHeartbeat(services, device.scope, beat(1));
  const command = commands.find(({ id }) => id === commandId);
  if (command?.kind !== 'restore') throw new Error('the device heard of no restore');
  return { commandId, grantId: command.grantId };
}

async function read(grantId: string): Promise<void> {
  await grantReads(services, device.scope, { keys: [objects[0]!.key], list: null, grantId });
}

describe('a restore on the machine', () => {
  test('is kept with its order, its first contents and its end, as the provider’s', async () => {
    const { commandId, grantId } = await ordered();
    services.clock.advance(2 * SECOND);
    await read(grantId);
    services.clock.advance(3 * SECOND);
    await read(grantId);
    await finishCommand(services, device.scope, commandId, {
      ...{ state: 'done', message: 'restored', restored: { files: 2, bytes: 700 } },
    });
    expect(await rowsOf()).toEqual([
      { state: 'delivered', asker: 'provider', bytes: '700', reason: null, started: 5, first: 7, ended: 10 },
    ]);
  });
  test('that an older agent ended has no size, and one that was not whole says why', async () => {
    const { commandId } = await ordered();
    await finishCommand(services, device.scope, commandId, { state: 'failed', message: '1 file kept' });
    expect(await rowsOf()).toMatchObject([{ state: 'failed', bytes: null, reason: '1 file kept', first: null }]);
    // Told again, it stays as it was first told.
    await finishCommand(services, device.scope, commandId, { state: 'done', message: 'after all' });
    expect(await rowsOf()).toMatchObject([{ state: 'failed' }]);
  });
  test('of which nothing more is heard has failed, and one that is heard of after all ended as it says', async () => {
    const { commandId } = await ordered();
    services.clock.advance(8 * HOUR);
    await tidyTenant(services, tenant.system);
    expect(await rowsOf()).toMatchObject([{ state: 'open' }]);
    services.clock.advance(2 * HOUR);
    await tidyTenant(services, tenant.system);
    expect(await rowsOf()).toMatchObject([
      { state: 'abandoned', reason: expect.stringContaining('Nothing more was heard') },
    ]);
    await finishCommand(services, device.scope, commandId, { state: 'done', message: 'late' });
    expect(await rowsOf()).toMatchObject([{ state: 'delivered', reason: null }]);
  });
});

describe('a restore that is begun at the machine', () => {
  const ask = async (purpose?: 'restore' | 'preview') =>
    await requestRestoreGrant(services, device.scope, {
      ...{ snapshotId, paths: [], ...(purpose === undefined ? {} : { purpose }) },
    });
  test('ends as the machine says, once, and a look at what would be restored is none', async () => {
    await ask('preview');
    expect(await rowsOf()).toEqual([]);
    const { grantId } = await ask('restore');
    services.clock.advance(4 * SECOND);
    await endMachineRestore(services, device.scope, grantId, { state: 'cancelled', message: 'stopped' });
    await endMachineRestore(services, device.scope, grantId, { state: 'delivered', message: 'no' });
    expect(await rowsOf()).toMatchObject([
      { state: 'cancelled', asker: 'machine', reason: 'stopped', started: 0, ended: 4 },
    ]);
  });
  test('by an agent that cannot tell its end is not known, and not called lost', async () => {
    await ask();
    services.clock.advance(10 * HOUR);
    await tidyTenant(services, tenant.system);
    expect(await rowsOf()).toMatchObject([{ state: 'unknown', reason: expect.stringContaining('too old') }]);
  });
  test('is not another machine’s to end', async () => {
    const { grantId } = await ask('restore');
    const other = await readyTestDevice(services, await tenant.customers[0].createToken());
    const ending = endMachineRestore(services, other.scope, grantId, { state: 'delivered', message: '' });
    await expect(ending).rejects.toMatchObject({ code: 'not_found' });
    expect(await rowsOf()).toMatchObject([{ state: 'open' }]);
  });
});

describe('a download', () => {
  const ask = async (path: string) => {
    const scope = tenant.customers[0].viewer;
    return await requestDownload(services, scope, { restorePointId: pointId, path, kind: 'file' });
  };
  test('that no worker ever finished is there as a failure when the download itself is gone', async () => {
    await ask('/a');
    services.clock.advance(2 * HOUR);
    await tidyTenant(services, tenant.system);
    expect(await rowsOf()).toMatchObject([{ state: 'abandoned', asker: 'customer' }]);
    const { rows } = await admin.query(`SELECT FROM download WHERE restore_point_id = $1`, [pointId]);
    expect(rows).toEqual([]);
  });
  test('that was given up failed with what people were told, and asked for twice it is one', async () => {
    const { downloadId } = await ask('/b');
    await ask('/b');
    await failDownload(services, tenant.system, downloadId, 'The file is damaged.');
    await failDownload(services, tenant.system, downloadId, 'again');
    expect(await rowsOf()).toMatchObject([{ state: 'failed', reason: 'The file is damaged.' }]);
  });
});

test('a restore that ends marks its month, and the month says how restores were served, to the customer too', async () => {
  const [, customer] = tenant.customers;
  device = await readyTestDevice(services, await customer.createToken());
  ({ objects, pointId, snapshotId } = await sealTestPoint(admin, device));
  const month = monthOf(services.clock.nowMs(), 'UTC');
  const { commandId, grantId } = await ordered();
  await read(grantId);
  await finishCommand(services, device.scope, commandId, { state: 'done', message: 'restored' });
  await requestDownload(services, customer.viewer, { restorePointId: pointId, path: '/c', kind: 'file' });
  const marks = await withScope(services, tenant.system, (tx) =>
    tx.slaDirty.findMany({ where: { tenantId: tenant.id, customerId: customer.id, cause: 'restore_ended' } }),
  );
  expect(marks.map((mark) => mark.month)).toEqual([month]);
  const scope = scopeForJob({ tenantId: tenant.id, id: commandId });
  await rollUpMonth(services, { scope, guard: () => Promise.resolve() }, { customerId: customer.id, month });
  const view = await viewSlaMonth(services, customer.viewer, customer.id, month);
  expect(view.figures?.restores).toMatchObject({
    delivered: { of: 1, p50Ms: 5 * SECOND, p95Ms: 5 * SECOND },
    selfServed: { met: 0, of: 1, share: 0 },
    failed: { met: 0, of: 1, share: 0 },
  });
  const rows = await viewRestores(services, customer.viewer, customer.id, { month, page: 1 });
  expect(rows.figures).toEqual(view.figures?.restores);
  // The one that is under way is listed, and in no figure; the provider's people have no names here.
  expect(rows.restores.map(({ state, askedBy }) => [state, askedBy])).toEqual([
    ['open', expect.any(String)],
    ['delivered', 'your provider'],
  ]);
  expect(rows.restoresTotal).toBe(2);
  const foreign = viewRestores(services, tenant.customers[0].viewer, customer.id, { month, page: 1 });
  await expect(foreign).rejects.toMatchObject({ code: 'not_found' });
  expect(monthWindow(month, 'UTC').startMs).toBeLessThanOrEqual(services.clock.nowMs());
});

test('a month that closed keeps what it said of a restore, and what is heard later is an amendment of it', async () => {
  const [customer] = tenant.customers;
  const here = new Date(services.clock.nowMs());
  // The last day of a month that is far enough ahead for all that was written before.
  const endMs = Date.UTC(here.getUTCFullYear(), here.getUTCMonth() + 3, 1);
  // What other tests left open is given up before it begins.
  services.clock.set(endMs - 40 * 24 * HOUR);
  await tidyTenant(services, tenant.system);
  services.clock.set(endMs - 12 * HOUR);
  const month = monthOf(endMs - 1, 'UTC');
  device = await readyTestDevice(services, await customer.createToken());
  ({ objects, pointId, snapshotId } = await sealTestPoint(admin, device));
  const { commandId } = await ordered();
  services.clock.advance(10 * HOUR);
  await tidyTenant(services, tenant.system);
  const scope = scopeForJob({ tenantId: tenant.id, id: commandId });
  const rollUp = async (): Promise<void> =>
    await rollUpMonth(services, { scope, guard: () => Promise.resolve() }, { customerId: customer.id, month });
  services.clock.set(endMs + 25 * HOUR);
  // Once to its end, and once to close it.
  await rollUp();
  await rollUp();
  const closed = await viewSlaMonth(services, customer.viewer, customer.id, month);
  expect(closed.frozen?.restores).toMatchObject({ failed: { met: 1, of: 1, share: 1 }, abandoned: 1 });
  await finishCommand(services, device.scope, commandId, { state: 'done', message: 'after all' });
  await rollUp();
  const amended = await viewSlaMonth(services, customer.viewer, customer.id, month);
  expect(amended.frozen?.restores).toEqual(closed.frozen?.restores);
  expect(amended.figures?.restores?.failed.of).toBe(0);
  expect(amended.amendments).toMatchObject([
    { figure: 'restores_failed', before: 1, after: null, causes: ['restore_ended'] },
  ]);
});
