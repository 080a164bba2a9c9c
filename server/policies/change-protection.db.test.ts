/** What a policy protects is changed by staff alone, as a whole, once, with a trace, and reaches the device. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { backupSources } from '../../core/domain/backup-source.ts';
import { viewDevice } from '../devices/queries.ts';
import { readyTestDevice } from '../testing/test-device.ts';
import { createTestTenant, type TestTenant, testPolicy } from '../testing/test-services.ts';
import { changeProtection } from './change-protection.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

let services: StartedTestServices;
let ours: TestTenant;
let theirs: TestTenant;
let admin: pg.Client;
beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  ours = await createTestTenant(services, 'ours');
  theirs = await createTestTenant(services, 'theirs');
});
afterAll(() => services.stop());

const sources = backupSources.parse([
  { kind: 'postgres', label: 'main', user: 'backup', login: { kind: 'secret_file', path: '/etc/holdfast/pgpass' } },
  { kind: 'command', label: 'ldap', argv: ['/usr/sbin/slapcat'], fileName: 'ldap.ldif' },
]);

async function stored(policyId: string): Promise<{ version: number; document: unknown }> {
  const { rows } = await admin.query<{ version: number; document: unknown }>(
    'SELECT version, document FROM policy WHERE id = $1',
    [policyId],
  );
  return rows[0]!;
}

test('the new version holds the change and all that was there before; the trace says what; the device page shows it', async () => {
  const { policyId } = ours.customers[0];
  const device = await readyTestDevice(services, await ours.customers[0].createToken());
  const wish = { policyId, version: 1, paths: ['/srv', '/home'], excludes: ['*.tmp'], sources };
  expect(await changeProtection(services, ours.owner, wish)).toEqual({ version: 2 });
  const document = { ...testPolicy, paths: ['/srv', '/home'], excludes: ['*.tmp'], sources };
  expect(await stored(policyId)).toEqual({ version: 2, document });
  const { rows } = await admin.query<{ data: unknown }>(
    "SELECT data FROM audit_event WHERE action = 'policy.changed' AND tenant_id = $1",
    [ours.id],
  );
  expect(rows).toMatchObject([{ data: { version: 2, sources: ['postgres/main', 'command/ldap'] } }]);
  const { policy } = await viewDevice(services, ours.owner, device.answer.deviceId);
  expect(policy).toMatchObject({ id: policyId, version: 2, devices: 1, document });

  await changeProtection(services, ours.owner, { ...wish, version: 2, sources: [] });
  expect((await stored(policyId)).document).not.toHaveProperty('sources');
});

test('a change of a version that is gone is refused and changes nothing', async () => {
  const { policyId } = ours.customers[1];
  const wish = { policyId, version: 1, paths: ['/a'], excludes: [], sources: [] };
  const both = await Promise.allSettled([
    changeProtection(services, ours.owner, wish),
    changeProtection(services, ours.owner, { ...wish, paths: ['/b'] }),
  ]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'conflict' } });
  expect((await stored(policyId)).version).toBe(2);
});

test('a policy that protects nothing is refused', async () => {
  const { policyId } = ours.customers[1];
  const wish = { policyId, version: 2, paths: [], excludes: [], sources: [] };
  await expect(changeProtection(services, ours.owner, wish)).rejects.toMatchObject({ code: 'bad_request' });
});

test('customers may not, and for another provider the policy is not there', async () => {
  const { policyId, viewer } = ours.customers[1];
  const wish = { policyId, version: 2, paths: ['/x'], excludes: [], sources: [] };
  await expect(changeProtection(services, viewer, wish)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(changeProtection(services, theirs.owner, wish)).rejects.toMatchObject({ code: 'not_found' });
  const nowhere = changeProtection(services, ours.owner, { ...wish, policyId: newId() });
  await expect(nowhere).rejects.toMatchObject({ code: 'not_found' });
});
