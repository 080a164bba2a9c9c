/** Points that should be gone, on a real database: who is called, with which cause, and what ends it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { policyDocument, withTimeZone } from '../../core/domain/policy.ts';
import { changeRetention } from '../policies/change-retention.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { testRule } from './back-test/test-rule.ts';
import { type AlertBench, createAlertBench, DAY, HOUR } from './testing/alert-bench.ts';

let services: StartedTestServices;
let bench: AlertBench;

beforeAll(async () => {
  services = await startTestServices();
});
afterAll(() => services.stop());
beforeEach(async () => {
  bench = await createAlertBench(services);
  await bench.quiet('drill_overdue', 'silent', 'no_point', 'weakened', 'upkeep');
});

const keep = async (version: number, retention: object | null) =>
  await changeRetention(services, bench.tenant.owner, {
    policyId: bench.tenant.customers[0].policyId,
    version,
    retention,
  });

/** As whoever keeps the storage would report it. */
async function letGo(count: number): Promise<void> {
  await bench.sql(
    (
      tx,
    ) => tx.$executeRaw`UPDATE restore_point SET state = 'expired', is_usable = false, expired_at = ${bench.now()} WHERE (tenant_id, id) IN (
      SELECT tenant_id, id FROM restore_point WHERE tenant_id = ${bench.tenant.id}::uuid AND state = 'sealed'
      ORDER BY capture_at LIMIT ${count})`,
  );
}

test('a policy that keeps everything calls nobody; one that does not calls when points are there a week too long', async () => {
  const { technician, machine, point, sweep, ago, kinds, only, wishOf } = bench;
  const one = await machine('srv');
  for (let day = 20; day > 0; day--) await point(one, ago(day * DAY));
  await sweep();
  expect(await kinds()).toEqual([]);
  await keep(1, { last: 14 });
  // Of twenty six are due, the first of them since the fifteenth came six days ago.
  await sweep();
  expect(await kinds()).toEqual([]);
  services.clock.advance(DAY + HOUR);
  await sweep();
  expect(await only('retention')).toMatchObject({ cause: 'retention_never', deviceId: one.deviceId });
  expect((await only('retention')).message).toMatch(/^6 restore points of srv .* does not remove them by itself yet/);
  const tried = await testRule(services, technician, wishOf('retention'));
  expect(tried).toMatchObject({ alerts: 1, hit: 1, stillOpen: 1 });
  expect(await testRule(services, technician, wishOf('retention', { parameters: { overdueDays: 30 } }))).toMatchObject({
    alerts: 0,
  });
  // Some were removed: the first that is left has not been due for long.
  await letGo(4);
  await sweep();
  expect(await kinds()).toEqual([]);
  services.clock.advance(8 * DAY);
  await sweep();
  expect(await only('retention')).toMatchObject({ cause: 'retention_stopped' });
  await letGo(2);
  await sweep();
  expect(await kinds()).toEqual([]);
  services.clock.advance(HOUR);
  expect(await testRule(services, technician, wishOf('retention'))).toMatchObject({ alerts: 2, stillOpen: 0 });
});

test('terms that are taken back end it, for devices that made no backup since', async () => {
  const { machine, point, sweep, ago, kinds } = bench;
  const one = await machine('srv');
  for (let day = 20; day > 0; day--) await point(one, ago(day * DAY));
  await keep(1, { last: 2 });
  await sweep();
  expect(await kinds()).toEqual(['retention']);
  await keep(2, null);
  await sweep();
  expect(await kinds()).toEqual([]);
});

test('the newest point that a restore test has proven may stay as long as it is that', async () => {
  const { sql, tenant, machine, point, sweep, ago, kinds } = bench;
  const one = await machine('srv');
  for (const day of [20, 19]) await point(one, ago(day * DAY));
  await sql(
    (tx) => tx.$executeRaw`UPDATE restore_point SET drilled_at = sealed_at WHERE tenant_id = ${tenant.id}::uuid
      AND capture_at < ${ago(19.5 * DAY)}`,
  );
  await keep(1, { last: 1 });
  await sweep();
  expect(await kinds()).toEqual([]);
  await sql(
    (tx) => tx.$executeRaw`UPDATE restore_point SET drilled_at = sealed_at WHERE tenant_id = ${tenant.id}::uuid
      AND capture_at > ${ago(19.5 * DAY)}`,
  );
  await sweep();
  expect(await kinds()).toEqual(['retention']);
});

test('agents are not told, to whom it would be an unknown word; terms that keep nothing are refused; customers may not', async () => {
  const { tenant, sql } = bench;
  await keep(1, { daily: 7 });
  const policy = await sql((tx) => tx.policy.findFirstOrThrow({ where: { id: tenant.customers[0].policyId } }));
  const document = policyDocument.parse(policy.document);
  expect(document.retention).toEqual({ daily: 7 });
  expect(withTimeZone(document, 'UTC')).not.toHaveProperty('retention');
  await expect(keep(2, {})).rejects.toMatchObject({ code: 'bad_request' });
  await expect(keep(1, { daily: 8 })).rejects.toMatchObject({ code: 'conflict' });
  const wish = { policyId: policy.id, version: 2, retention: null };
  await expect(changeRetention(services, tenant.customers[0].viewer, wish)).rejects.toMatchObject({
    code: 'forbidden',
  });
});
