/** A vault opens once, with true bytes, and its drill password is sealed at once. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { VaultInitRequest } from '../../core/protocol/messages.ts';
import { withScope } from '../db/with-scope.ts';
import { vaultPrefix } from '../storage/object-store.ts';
import {
  described,
  enrolTestDevice,
  makeObject,
  readyTestDevice,
  sha256,
  type TestDevice,
} from '../testing/test-device.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { initVault } from './init-vault.ts';
import { openDrillPassword } from './open-drill-password.ts';
import { readyVault } from './ready-vault.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

let services: StartedTestServices;
let tenant: TestTenant;
let admin: pg.Client;
let device: TestDevice;

const config = makeObject('config');
const keys = [makeObject('key'), makeObject('key')] as const;
const idOf = (key: string): string => key.slice(-64);

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  tenant = await createTestTenant(services, 'vaults');
});
afterAll(() => services.stop());
beforeEach(async () => {
  device = await enrolTestDevice(services, await tenant.customers[0].createToken());
});

function wish(changes: Partial<VaultInitRequest> = {}): VaultInitRequest {
  return {
    vaultId: device.answer.vaultId,
    repositoryId: device.repositoryId,
    configSha256: sha256(config.bytes),
    keys: [
      { id: idOf(keys[0].key), principal: 'agent' },
      { id: idOf(keys[1].key), principal: 'drill' },
    ],
    drillPassword: 'the drill password',
    objects: [config, ...keys].map(described),
    ...changes,
  };
}
async function store(objects = [config, ...keys]): Promise<void> {
  for (const { key, bytes } of objects) {
    await services.store.create(`${vaultPrefix(tenant.id, device.answer.vaultId)}/${key}`, bytes);
  }
}
async function stateOf(vaultId: string): Promise<string> {
  return (await admin.query('SELECT state FROM vault WHERE id = $1', [vaultId])).rows[0].state;
}

describe('a new vault', () => {
  test('opens when its files arrived, and never begins again', async () => {
    const { uploads } = await initVault(services, device.scope, wish());
    expect(uploads.map(({ state }) => state)).toEqual(['upload', 'upload', 'upload']);
    await store();
    const { vaultId } = device.answer;
    expect(await readyVault(services, device.scope, { vaultId })).toEqual({ state: 'ready' });
    expect(await readyVault(services, device.scope, { vaultId })).toEqual({ state: 'ready' });
    await expect(initVault(services, device.scope, wish())).rejects.toMatchObject({ code: 'conflict' });
    const { rows } = await admin.query('SELECT DISTINCT state FROM stored_object WHERE vault_id = $1', [vaultId]);
    expect(rows).toEqual([{ state: 'sealed' }]);
  });

  test('does not open while a file is missing, nor with other bytes', async () => {
    await initVault(services, device.scope, wish());
    const { vaultId } = device.answer;
    await store([config, keys[0]]);
    await expect(readyVault(services, device.scope, { vaultId })).rejects.toMatchObject({ code: 'object_missing' });
    await store([{ ...keys[1], bytes: Buffer.from('something else') }]);
    await expect(readyVault(services, device.scope, { vaultId })).rejects.toMatchObject({ code: 'object_mismatch' });
    expect(await stateOf(vaultId)).toBe('new');
  });

  test.each<[string, () => VaultInitRequest]>([
    [
      'without the drill key’s password',
      () => {
        const { drillPassword: _left, ...rest } = wish();
        return rest;
      },
    ],
    [
      'with a drill password and no drill key',
      () => wish({ keys: wish().keys.map(({ id }) => ({ id, principal: 'agent' as const })) }),
    ],
    ['with a file that it does not name', () => wish({ objects: [...wish().objects, described(makeObject('key'))] })],
    ['without its config', () => wish({ objects: wish().objects.slice(1) })],
    [
      'with a pack in the place of a key',
      () => wish({ objects: wish().objects.map((object) => ({ ...object, kind: 'data_pack' as const })) }),
    ],
    [
      'with a config of a gigabyte',
      () => wish({ objects: wish().objects.map((object) => ({ ...object, size: 2 ** 30 })) }),
    ],
  ])('is refused %s', async (_what, request) => {
    await expect(initVault(services, device.scope, request())).rejects.toMatchObject({ code: 'commit_invalid' });
    expect(
      (await admin.query('SELECT 1 FROM stored_object WHERE vault_id = $1', [device.answer.vaultId])).rows,
    ).toEqual([]);
  });

  test('of another device is not there', async () => {
    const other = await readyTestDevice(services, await tenant.customers[1].createToken());
    const request = wish({ vaultId: other.answer.vaultId });
    await expect(initVault(services, device.scope, request)).rejects.toMatchObject({ code: 'not_found' });
    await expect(readyVault(services, device.scope, request)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('the drill password', () => {
  test('lies in the database sealed, and opens for its own row alone (S26)', async () => {
    await initVault(services, device.scope, wish());
    const other = await enrolTestDevice(services, await tenant.customers[0].createToken());
    const { rows } = await admin.query<{ sealed: Buffer }>(
      'SELECT drill_password_sealed AS sealed FROM vault WHERE id = $1',
      [device.answer.vaultId],
    );
    expect(rows[0]?.sealed.includes('the drill password')).toBe(false);
    await admin.query('UPDATE vault SET drill_password_sealed = $1 WHERE id = $2', [
      rows[0]?.sealed,
      other.answer.vaultId,
    ]);
    const open = async (id: string): Promise<string> =>
      await withScope(services, tenant.system, async (tx) =>
        openDrillPassword(services, tx, await tx.vault.findFirstOrThrow({ where: { id } })),
      );
    expect(await open(device.answer.vaultId)).toBe('the drill password');
    await expect(open(other.answer.vaultId)).rejects.toThrow(/does not open/);
  });
});
