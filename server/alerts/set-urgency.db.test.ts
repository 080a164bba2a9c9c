/** What a rule's alerts are worth at one customer: inherited unless it says otherwise, with who said so and when. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { openAlert } from './open-alert.ts';
import { setUrgency } from './set-urgency.ts';
import { type AlertBench, createAlertBench, HOUR, MINUTE } from './testing/alert-bench.ts';
import { viewRules } from './view-rules.ts';

let services: StartedTestServices;
let bench: AlertBench;

beforeAll(async () => {
  services = await startTestServices();
});
afterAll(() => services.stop());
beforeEach(async () => {
  bench = await createAlertBench(services);
  await bench.quiet('drill_overdue', 'no_point');
});

test('a customer has its own urgency for a rule, at once and for what comes; the others have what the rule says', async () => {
  const { tenant, sql, sweep, machine, ago, open, alerts } = bench;
  const [one, other] = [await machine('srv'), await machine('other', 1)];
  await sql((tx) => tx.deviceState.updateMany({ where: { tenantId: tenant.id }, data: { lastSeenAt: ago(9 * HOUR) } }));
  await sweep();
  const severities = async () => Object.fromEntries((await open()).map((a) => [a.deviceId!, a.severity]));
  expect(await severities()).toEqual({ [one.deviceId]: 'warn', [other.deviceId]: 'warn' });
  const wish = { customerId: one.customerId, ruleKey: 'silent' };
  await setUrgency(services, tenant.owner, { ...wish, severity: 'risk' });
  expect(await severities()).toEqual({ [one.deviceId]: 'risk', [other.deviceId]: 'warn' });
  await sweep();
  expect(await severities()).toEqual({ [one.deviceId]: 'risk', [other.deviceId]: 'warn' });
  expect((await alerts()).length).toBe(2);
  // What the rule says holds again, and it is the same alert.
  services.clock.advance(MINUTE);
  await setUrgency(services, tenant.owner, { ...wish, severity: null });
  await sweep();
  expect(await severities()).toEqual({ [one.deviceId]: 'warn', [other.deviceId]: 'warn' });
  expect((await alerts()).length).toBe(2);
});

test('what is found out, and not swept, has it too', async () => {
  const { tenant, sql, machine, only } = bench;
  const one = await machine('srv');
  await setUrgency(services, tenant.owner, { customerId: one.customerId, ruleKey: 'clone', severity: 'info' });
  await sql(async (tx) => {
    const subject = { tenantId: tenant.id, customerId: one.customerId, deviceId: one.deviceId };
    const change = { tx, audit: async () => undefined };
    await openAlert(services, change, { ...subject, kind: 'clone', title: 'Two', message: 'Two.' });
  });
  expect((await only('clone')).severity).toBe('info');
});

test('a rule of one’s own has an urgency of its own at a customer, and every version says who and when', async () => {
  const { tenant, technician, sweep, machine, ago, sql, open, wishOf, keep, audited } = bench;
  const one = await machine('srv');
  await sql((tx) => tx.deviceState.updateMany({ where: { tenantId: tenant.id }, data: { lastSeenAt: ago(9 * HOUR) } }));
  const id = await keep({ isNew: true }, wishOf('silent', { name: 'Night', parameters: { hours: 5 } }));
  await setUrgency(services, tenant.owner, { customerId: one.customerId, ruleKey: id, severity: 'info' });
  services.clock.advance(MINUTE);
  await setUrgency(services, tenant.owner, { customerId: one.customerId, ruleKey: id, severity: 'risk' });
  await sweep();
  expect(new Set((await open()).map((a) => `${a.ruleId ?? 'built in'} ${a.severity}`))).toEqual(
    new Set([`${id} risk`, 'built in warn']),
  );
  const { urgencies, rules } = await viewRules(services, technician);
  const night = rules.find(({ rule }) => rule.name === 'Night');
  expect(night?.changedBy).toEqual({ who: urgencies[0]!.who, atMs: urgencies[1]!.atMs });
  expect(urgencies).toMatchObject([
    { ruleName: 'Night', severity: 'risk', isInForce: true },
    { ruleName: 'Night', severity: 'info', isInForce: false },
  ]);
  expect(urgencies[0]!.atMs - urgencies[1]!.atMs).toBe(MINUTE);
  expect(await audited('alert_urgency.changed')).toBe(2);
});

test('only the owner says so, and only of what is there', async () => {
  const { tenant, technician } = bench;
  const wish = { customerId: tenant.customers[0].id, ruleKey: 'silent', severity: 'risk' } as const;
  await expect(setUrgency(services, technician, wish)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(setUrgency(services, tenant.customers[0].viewer, wish)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(setUrgency(services, tenant.owner, { ...wish, ruleKey: 'noise' })).rejects.toMatchObject({
    code: 'not_found',
  });
});
