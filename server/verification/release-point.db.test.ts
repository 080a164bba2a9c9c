/** Large vaults: a point is made of more packs than one statement takes parameters, and a store that was emptied misses as many. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { createAlertBench } from '../alerts/testing/alert-bench.ts';
import { applyChange } from '../changes/apply-change.ts';
import { endHealed } from '../damage/end-damage.ts';
import { recordDamage } from '../damage/record-damage.ts';
import { markObjects } from './objects-by-key.ts';
import { quarantinePoints } from './quarantine-points.ts';
import { hasBadObject, loadPoint } from './release-point.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

/** Of 16 MiB each: some 500 GB. */
const PACKS = 33_000;

let services: StartedTestServices;
beforeAll(async () => {
  services = await startTestServices();
});
afterAll(() => services.stop());

test('what locks a point of 33,000 packs away is found among them', async () => {
  const { tenant, sql, machine, point, now } = await createAlertBench(services);
  const one = await machine('srv');
  await point(one, now());
  const packIds = Array.from({ length: PACKS }, () => randomBytes(32).toString('hex'));
  const isBad = () =>
    sql(async (tx) => {
      const { id } = await tx.restorePoint.findFirstOrThrow({ where: { tenantId: tenant.id } });
      await tx.$executeRaw`UPDATE restore_point SET pack_ids = ${packIds} WHERE id = ${id}::uuid`;
      return await hasBadObject({ tx }, await loadPoint({ tx }, tenant.id, id));
    });
  expect(await isBad()).toBe(false);
  const id = packIds.at(-1)!;
  await sql(
    (tx) => tx.$executeRaw`
      INSERT INTO stored_object (tenant_id, customer_id, vault_id, key, kind, size, crc32c, state, sealed_at)
      VALUES (${tenant.id}::uuid, ${one.customerId}::uuid, ${one.vaultId}::uuid, ${`data/${id.slice(0, 2)}/${id}`}, 'data_pack', 1, 'AAAAAA==', 'missing', now())`,
  );
  expect(await isBad()).toBe(true);
});

test('a store of 33,000 objects that was emptied is a damage, locks its points away, and can end', async () => {
  const { tenant, sql, machine, point, now } = await createAlertBench(services);
  const one = await machine('srv');
  const { deviceId, customerId, vaultId } = one;
  await point(one, now());
  const packIds = Array.from({ length: PACKS }, () => randomBytes(32).toString('hex'));
  const keys = packIds.map((id) => `data/${id.slice(0, 2)}/${id}`);
  await sql(async (tx) => {
    await tx.$executeRaw`UPDATE restore_point SET pack_ids = ${packIds} WHERE tenant_id = ${tenant.id}::uuid`;
    await tx.$executeRaw`
      INSERT INTO stored_object (tenant_id, customer_id, vault_id, key, kind, size, crc32c, state, sealed_at)
      SELECT ${tenant.id}::uuid, ${customerId}::uuid, ${vaultId}::uuid, key, 'data_pack', 1, 'AAAAAA==', 'sealed', now()
      FROM unnest(${keys}::text[]) AS key`;
  });
  const vault = { tenantId: tenant.id, customerId, deviceId, vaultId };
  const findings = keys.map((key) => ({ key, problem: 'missing' as const }));
  const stateOf = async (state: string) =>
    await sql((tx) => tx.storedObject.count({ where: { tenantId: tenant.id, vaultId, state } }));
  await applyChange(services, tenant.system, async (change) => {
    const damageId = await recordDamage(services, change, vault, findings, { level: 0, verificationId: null });
    expect(damageId).toBeDefined();
    const locked = await quarantinePoints(services, change, { ...vault, timeZone: 'UTC' }, findings);
    expect(locked.length).toBe(1);
  });
  expect(await stateOf('missing')).toBe(PACKS);
  await sql((tx) => markObjects(tx, vault, keys, { from: ['missing'], state: 'sealed', problem: '' }));
  await applyChange(services, tenant.system, (change) =>
    endHealed(services, change, { ...vault, id: newId(), level: 0 }, []),
  );
  expect(await sql((tx) => tx.damage.findFirstOrThrow({ where: { tenantId: tenant.id } }))).toMatchObject({
    state: 'repaired',
  });
});
