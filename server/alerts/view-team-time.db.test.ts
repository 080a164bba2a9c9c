/** What alerts cost people, from the rows that their acts leave. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestTenant } from '../testing/test-services.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { acknowledgeAlerts, assignAlerts } from './act-on-alerts.ts';
import { type AlertBench, createAlertBench, DAY, HOUR, MINUTE } from './testing/alert-bench.ts';
import { viewRules } from './view-rules.ts';
import { viewCustomerTime, viewTeamTime } from './view-team-time.ts';

let services: StartedTestServices;
let bench: AlertBench;
beforeAll(async () => {
  services = await startTestServices();
});
afterAll(() => services.stop());
beforeEach(async () => {
  bench = await createAlertBench(services);
});

test('a touch of any kind counts from then until it is over, the rest costs a look, and each customer has its own rows', async () => {
  const { tenant, technician, machine, run, point, sweep, ago, quiet, open } = bench;
  await quiet('drill_overdue', 'no_point', 'silent', 'upkeep', 'missed');
  const [one, two] = [await machine('first', 0), await machine('second', 1)];
  for (const of of [one, two]) {
    await point(of, ago(2 * HOUR));
    await run(of, 'failed', { message: 'The disk is full.' });
  }
  await sweep();
  const [first] = (await open()).filter(({ deviceId }) => deviceId === one.deviceId);
  expect(await viewTeamTime(services, technician)).toMatchObject({
    days: 28,
    time: { items: 2, touched: 0, customersAbove: 0, minutesPerCustomerDay: 0.5 / 28 },
  });

  // Who takes it has touched it; four minutes later the next backup is well.
  services.clock.advance(10 * MINUTE);
  await assignAlerts(services, technician, [first!.id], technician.actor.id);
  services.clock.advance(MINUTE);
  await acknowledgeAlerts(services, technician, [first!.id], null);
  services.clock.advance(3 * MINUTE);
  await run(one, 'sealed');
  await sweep();
  expect((await open()).map(({ deviceId }) => deviceId)).toEqual([two.deviceId]);

  const { time } = await viewTeamTime(services, technician);
  expect(time).toMatchObject({ items: 2, touched: 1 });
  expect(time.customers.map(({ customerId, minutes }) => [customerId, minutes])).toEqual([
    [one.customerId, 4.5],
    [two.customerId, 0.5],
  ]);
  expect(time.minutesPerCustomerDay).toBeCloseTo(5 / 28 / 2, 9);
  const { items, customer } = await viewCustomerTime(services, technician, one.customerId);
  expect(items).toMatchObject([{ kind: 'run_failed', alertIds: [first!.id], minutes: 4.5 }]);
  expect(items.reduce((sum, { minutes }) => sum + minutes, 0)).toBe(customer.minutes);
  // The figures beside those of noise are the same.
  const rules = await viewRules(services, tenant.owner);
  expect(rules.teamTime.time.minutesPerCustomerDay).toBe(time.minutesPerCustomerDay);
  expect(rules.noise).toMatchObject({ alerts: 2, acknowledged: 1 });
});

test('what opened before the four weeks is not counted, and nobody sees it but staff of the same provider', async () => {
  const { technician, tenant, machine, run, point, sweep, ago, quiet } = bench;
  await quiet('drill_overdue', 'no_point', 'silent', 'upkeep', 'missed');
  const one = await machine('srv');
  await point(one, ago(2 * HOUR));
  await run(one, 'failed', { message: 'The disk is full.' });
  await sweep();
  expect((await viewTeamTime(services, technician)).time.items).toBe(1);
  services.clock.advance(29 * DAY);
  expect((await viewTeamTime(services, technician)).time.items).toBe(0);
  const other = await createTestTenant(services, 'others');
  expect((await viewTeamTime(services, other.owner)).time.customers).toEqual([]);
  await expect(viewCustomerTime(services, other.owner, one.customerId)).rejects.toMatchObject({ code: 'not_found' });
  for (const view of [
    () => viewTeamTime(services, tenant.customers[0].viewer),
    () => viewCustomerTime(services, tenant.customers[0].viewer, one.customerId),
  ])
    await expect(view()).rejects.toMatchObject({ code: 'forbidden' });
});
