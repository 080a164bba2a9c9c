import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scopeForUser } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import { parseFilter } from '../../core/domain/fleet-filter/parse-filter.ts';
import { exportFleet } from './export-fleet.ts';
import { listFleet } from './list-fleet.ts';
import { listFleetViews } from './queries.ts';
import { removeFleetView, saveFleetView } from './save-view.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { tagDevice } from '../devices/tag-device.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

let services: StartedTestServices;
let ours: TestTenant;
let theirs: TestTenant;
const deviceId = randomUUID();

beforeAll(async () => {
  services = await startTestServices();
  ours = await createTestTenant(services, 'ours');
  theirs = await createTestTenant(services, 'theirs');
  const [customer] = ours.customers;
  await withScope(services, ours.system, async (tx) => {
    await tx.device.create({
      data: {
        tenantId: ours.id,
        id: deviceId,
        customerId: customer.id,
        policyId: customer.policyId,
        name: '=HYPERLINK("http://x")',
        hostname: '@host',
        os: 'linux',
        arch: 'x64',
        agentVersion: '1.0',
        publicKey: 'none',
      },
    });
  });
});
afterAll(() => services.stop());

const namesFor = async (filter: string): Promise<string[]> =>
  (await listFleet(services, ours.owner, { filter: parseFilter(filter), after: null })).rows.map(({ id }) => id);

test('a tag is kept once, in lower case, and finds its device at once', async () => {
  await tagDevice(services, ours.owner, deviceId, ['Server', ' server ', 'sql', '']);
  expect(await namesFor('tag:server tag:sql')).toEqual([deviceId]);
  expect(await namesFor('tag:none')).toEqual([]);
  await tagDevice(services, ours.owner, deviceId, []);
  expect(await namesFor('tag:none')).toEqual([deviceId]);
});

test('the list and its export say who has the open alerts of a device, and nobody once they are over', async () => {
  const [customer] = ours.customers;
  const owners = async (): Promise<readonly string[]> =>
    (await listFleet(services, ours.owner, { filter: parseFilter(''), after: null })).rows[0]!.owners;
  const alert = async (kind: string, ownerId: string | null): Promise<void> => {
    await services.admin.query(
      `INSERT INTO alert (tenant_id, customer_id, device_id, id, kind, severity, cause, title, message, owner_id)
       VALUES ($1, $2, $3, $4, $5, 'warn', 'offline', 'A machine is silent', 'It is off.', $6)`,
      [ours.id, customer.id, deviceId, randomUUID(), kind, ownerId],
    );
  };
  expect(await owners()).toEqual([]);
  const [hanna, tove] = [randomUUID(), randomUUID()];
  for (const [id, name] of [
    [hanna, 'Hanna'],
    [tove, 'Tove'],
  ])
    await services.admin.query(
      `INSERT INTO app_user (tenant_id, id, email, name, role, password_hash) VALUES ($1, $2, $3, $4, 'technician', 'none')`,
      [ours.id, id, `${id}@x.test`, name],
    );
  await alert('silent', tove);
  await alert('missed', hanna);
  await alert('no_point', null);
  expect(await owners()).toEqual(['Hanna', 'Tove']);
  const lines: string[] = [];
  for await (const line of exportFleet(services, ours.owner, { filter: parseFilter(''), columns: ['owner'] }))
    lines.push(line);
  expect(lines[0]).toContain('Owner');
  expect(lines[1]).toContain('"Hanna, Tove"');
  await services.admin.query(`UPDATE alert SET resolved_at = now(), resolution = 'recovered' WHERE tenant_id = $1`, [
    ours.id,
  ]);
  expect(await owners()).toEqual([]);
});

test('what is no word is refused, and so is everybody but the provider’s own staff', async () => {
  await expect(tagDevice(services, ours.owner, deviceId, ['two words'])).rejects.toThrow(/is no tag/);
  await expect(tagDevice(services, ours.owner, deviceId, ['none'])).rejects.toThrow(/is no tag/);
  await expect(tagDevice(services, theirs.owner, deviceId, ['x'])).rejects.toMatchObject({ code: 'not_found' });
  await expect(tagDevice(services, ours.customers[0].viewer, deviceId, ['x'])).rejects.toMatchObject({
    code: 'forbidden',
  });
  await expect(
    listFleet(services, ours.customers[0].viewer, { filter: parseFilter(''), after: null }),
  ).rejects.toMatchObject({
    code: 'forbidden',
  });
});

test('a name that a spreadsheet would run is text in the export', async () => {
  const lines: string[] = [];
  for await (const line of exportFleet(services, ours.owner, { filter: parseFilter(''), columns: ['status'] }))
    lines.push(line);
  expect(lines[1]).toMatch(/^"'=HYPERLINK\(""http:\/\/x""\)",'@host,ours customer 0,unknown,/);
});

test('a shared view is seen by all staff of its provider, a private one by its owner, and changed by its owner alone', async () => {
  const wish = {
    id: null,
    name: 'Old agents',
    filter: 'agent<1.4   sort:-agent',
    columns: ['agent', 'nonsense'],
    density: 'compact',
    dayRule: 'worst',
    isShared: false,
  } as const;
  const { id } = await saveFleetView(services, ours.owner, wish);
  expect(await listFleetViews(services, ours.owner)).toMatchObject([
    { id, filter: 'agent<1.4 sort:-agent', columns: ['agent'], dayRule: 'worst', isOwn: true },
  ]);
  const colleague = scopeForUser({ tenantId: ours.id, id: randomUUID(), customerId: null, role: 'technician' });
  expect(await listFleetViews(services, colleague)).toEqual([]);
  await expect(saveFleetView(services, ours.owner, wish)).rejects.toMatchObject({ code: 'conflict' });
  await expect(saveFleetView(services, ours.owner, { ...wish, name: 'x', filter: 'agent<' })).rejects.toMatchObject({
    code: 'bad_request',
  });
  await saveFleetView(services, ours.owner, { ...wish, id, isShared: true });
  expect(await listFleetViews(services, colleague)).toMatchObject([{ id, isOwn: false }]);
  await saveFleetView(services, ours.owner, { ...wish, id, isShared: true, dayRule: 'mixed' });
  expect(await listFleetViews(services, colleague)).toMatchObject([{ id, dayRule: 'mixed' }]);
  await expect(saveFleetView(services, colleague, { ...wish, id })).rejects.toMatchObject({ code: 'not_found' });
  await expect(saveFleetView(services, theirs.owner, { ...wish, id })).rejects.toMatchObject({ code: 'not_found' });
  await expect(removeFleetView(services, theirs.owner, id)).rejects.toMatchObject({ code: 'not_found' });
  await removeFleetView(services, ours.owner, id);
  expect(await listFleetViews(services, ours.owner)).toEqual([]);
});
