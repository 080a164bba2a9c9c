import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestTenant } from '../testing/test-services.ts';
import { withScope } from './with-scope.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

let services: StartedTestServices;
beforeAll(async () => {
  services = await startTestServices();
});
afterAll(() => services.stop());

test('a query with several relations, and queries that a caller sends at once, never meet on the connection of a transaction', async () => {
  const tenant = await createTestTenant(services, 'turns');
  const warnings: string[] = [];
  const hear = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', hear);
  const where = { tenantId: tenant.id };
  const [customers, counts] = await withScope(services, tenant.system, async (tx) => [
    await tx.customer.findMany({ where, include: { policies: true, devices: true, tenant: true } }),
    await Promise.all([tx.policy.count({ where }), tx.customer.count({ where }), tx.device.count({ where })]),
  ]);
  expect(customers.map(({ policies, devices }) => [policies.length, devices.length])).toEqual([
    [1, 0],
    [1, 0],
  ]);
  expect(counts).toEqual([2, 2, 0]);
  // One that fails ends its transaction alone.
  const broken = withScope(services, tenant.system, async (tx) => {
    await Promise.all([tx.$queryRaw`SELECT 1/0`, tx.policy.count({ where })]);
  });
  await expect(broken).rejects.toThrow(/division by zero/);
  expect(await withScope(services, tenant.system, (tx) => tx.policy.count({ where }))).toBe(2);
  // Warnings are told on a later tick.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', hear);
  expect(warnings).toEqual([]);
});
