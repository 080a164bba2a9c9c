/** Alerts by rule on a real database: what opens and closes them, and what the provider changes about that. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testPolicy } from '../testing/test-services.ts';
import { acceptAlerts, acknowledgeAlerts } from './act-on-alerts.ts';
import { changeRule } from './change-rule.ts';
import { viewAlert, viewAlerts } from './list-alerts.ts';
import { testRule } from './back-test/test-rule.ts';
import { viewRules } from './view-rules.ts';
import { type AlertBench, createAlertBench, HOUR, MINUTE } from './testing/alert-bench.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

let services: StartedTestServices;
let bench: AlertBench;

beforeAll(async () => {
  services = await startTestServices();
});
afterAll(() => services.stop());
beforeEach(async () => {
  bench = await createAlertBench(services);
});

/** As somebody changes it past every form. */
async function setPolicy(document: object): Promise<void> {
  const { tenant, sql } = bench;
  await sql((tx) =>
    tx.policy.update({
      where: { tenantId_id: { tenantId: tenant.id, id: tenant.customers[0].policyId } },
      data: { document, version: { increment: 1 } },
    }),
  );
}

describe('the sweep', () => {
  test('a dead machine alerts by its state alone, once, and closes by itself when it is back, with the reason', async () => {
    const { tenant, sql, sweep, now, ago, machine, point, alerts, kinds, only, audited, quiet } = bench;
    const one = await machine('srv');
    await point(one, ago(25 * HOUR));
    await sql((tx) =>
      tx.deviceState.updateMany({ where: { tenantId: tenant.id }, data: { lastSeenAt: ago(25 * HOUR) } }),
    );
    await quiet('drill_overdue');
    await sweep();
    await sweep();
    expect(await kinds()).toEqual(['no_point', 'silent']);
    expect(await only('no_point')).toMatchObject({ cause: 'offline', severity: 'risk', deviceId: one.deviceId });
    expect((await only('no_point')).message).toContain('does not call the service');
    services.clock.advance(MINUTE);
    await point(one, now());
    await sql((tx) => tx.deviceState.updateMany({ where: { tenantId: tenant.id }, data: { lastSeenAt: now() } }));
    await sweep();
    expect(await kinds()).toEqual([]);
    for (const { openedAt, resolvedAt, resolution, resolvedBy } of await alerts()) {
      expect([resolution, resolvedBy]).toEqual(['recovered', null]);
      expect(resolvedAt!.getTime() - openedAt.getTime()).toBe(MINUTE);
    }
    expect([await audited('alert.opened'), await audited('alert.resolved')]).toEqual([2, 2]);
  });

  test('what comes back within half an hour is the same episode with its people; later it is a new one', async () => {
    const { tenant, technician, sql, sweep, machine, run, alerts, only, quiet } = bench;
    const one = await machine('srv');
    await quiet('drill_overdue', 'silent', 'no_point');
    const fail = async () => {
      services.clock.advance(5 * MINUTE);
      await run(one, 'failed');
      await sweep();
    };
    const recover = async () => {
      services.clock.advance(5 * MINUTE);
      await run(one, 'sealed');
      await sweep();
    };
    await fail();
    const first = await only('run_failed');
    await acknowledgeAlerts(services, technician, [first.id], 'on it');
    await recover();
    await fail();
    const again = await only('run_failed');
    expect(again).toMatchObject({ episodeId: first.id, reopenings: 1, ownerId: technician.actor.id });
    expect(again.acknowledgedAt).not.toBeNull();
    expect((await alerts())[0]!.resolvedAt).not.toBeNull();
    await recover();
    services.clock.advance(31 * MINUTE);
    await fail();
    expect(await only('run_failed')).toMatchObject({
      episodeId: null,
      reopenings: 0,
      ownerId: null,
      acknowledgedAt: null,
    });
    const told = await sql((tx) =>
      tx.alertEvent.findMany({
        where: { tenantId: tenant.id },
        orderBy: { txid: 'asc' },
        select: { kind: true },
      }),
    );
    expect(told.map(({ kind }) => kind)).toEqual([
      'opened',
      'acknowledged',
      'resolved',
      'reopened',
      'resolved',
      'opened',
    ]);
    const { episode, steps } = await viewAlert(services, tenant.owner, again.id);
    expect(episode.map(({ id }) => id)).toEqual([again.id, first.id]);
    expect(steps.map(({ kind }) => kind)).toEqual(['reopened', 'resolved']);
  });

  test('its cause changes without a second alert', async () => {
    const { sweep, ago, machine, run, point, only, quiet } = bench;
    const one = await machine('srv');
    await quiet('drill_overdue', 'silent', 'run_failed');
    await point(one, ago(30 * HOUR));
    await sweep();
    const before = await only('no_point');
    expect(before.cause).toBe('unproven');
    services.clock.advance(MINUTE);
    await run(one, 'failed', { message: 'The disk is full.' });
    await sweep();
    expect(await only('no_point')).toMatchObject({ id: before.id, cause: 'error:commit_invalid:the disk is full.' });
    expect((await only('no_point')).message).toContain('The disk is full.');
  });

  test('a rule of one’s own opens its own alert beside the built-in one, and one that is switched off closes what it opened', async () => {
    const { tenant, sweep, ago, machine, point, alerts, open, quiet, wishOf, keep } = bench;
    const one = await machine('srv');
    const other = await machine('other', 1);
    await quiet('drill_overdue', 'silent');
    for (const of of [one, other]) await point(of, ago(10 * HOUR));
    const wish = wishOf('no_point', {
      name: 'Half a working day',
      severity: 'info',
      parameters: { serverHours: 8, workstationHours: 8 },
      filter: { customerIds: [one.customerId] },
    });
    const id = await keep({ isNew: true }, wish);
    await sweep();
    expect(await open()).toMatchObject([
      { kind: 'no_point', ruleId: id, severity: 'info', title: 'Half a working day', deviceId: one.deviceId },
    ]);
    await changeRule(services, tenant.owner, { id }, { ...wish, severity: 'risk' });
    await sweep();
    expect(await open()).toMatchObject([{ ruleId: id, severity: 'risk' }]);
    await changeRule(services, tenant.owner, { id }, { ...wish, isEnabled: false });
    await sweep();
    expect(await open()).toEqual([]);
    expect(await alerts()).toMatchObject([{ resolution: 'rule_off' }]);
  });

  test('a rule that looks elsewhere now has not seen a recovery: its alert is closed with that reason', async () => {
    const { sweep, ago, machine, point, alerts, open, quiet, wishOf, keep } = bench;
    const [one, other] = [await machine('srv'), await machine('other', 1)];
    await quiet('drill_overdue', 'silent');
    for (const of of [one, other]) await point(of, ago(30 * HOUR));
    await sweep();
    expect((await open()).length).toBe(2);
    const wish = wishOf('no_point', { filter: { customerIds: [other.customerId] } });
    await keep({ builtIn: true }, wish);
    await sweep();
    expect(await open()).toMatchObject([{ deviceId: other.deviceId }]);
    expect((await alerts()).find(({ deviceId }) => deviceId === one.deviceId)).toMatchObject({
      resolution: 'rule_off',
    });
  });

  test('a rule looks at the devices that its filter describes, by tag and name, now and on the past', async () => {
    const { tenant, technician, sql, sweep, ago, machine, point, open, quiet, wishOf, keep } = bench;
    const [sql1, web, file] = [await machine('srv-sql'), await machine('srv-web'), await machine('srv-file', 1)];
    await quiet('drill_overdue', 'silent', 'no_point');
    for (const of of [sql1, web, file]) await point(of, ago(10 * HOUR));
    await sql((tx) =>
      tx.device.updateMany({
        where: { tenantId: tenant.id, id: { in: [sql1.deviceId, file.deviceId] } },
        data: { tags: ['gold'] },
      }),
    );
    const wish = wishOf('no_point', {
      name: 'Gold',
      parameters: { serverHours: 8, workstationHours: 8 },
      filter: { devices: 'tag:gold -name:file' },
    });
    expect(await testRule(services, technician, wish)).toMatchObject({ total: 1, hit: 1 });
    const id = await keep({ isNew: true }, wish);
    await sweep();
    expect(await open()).toMatchObject([{ ruleId: id, deviceId: sql1.deviceId, title: 'Gold' }]);
    await keep({ id }, { ...wish, filter: { devices: 'tag:gold or host:web' } });
    await sweep();
    expect(new Set((await open()).map(({ deviceId }) => deviceId))).toEqual(
      new Set([sql1.deviceId, web.deviceId, file.deviceId]),
    );
    for (const [devices, said] of [
      ['status:failed', /“status” changes/],
      ['missed', /“status” changes/],
      ['alerts>0', /“alerts” changes/],
      ['tag:gold sort:name', /no order/],
      ['tg:gold', /no field “tg”/],
    ] as const)
      await expect(changeRule(services, tenant.owner, { id }, { ...wish, filter: { devices } })).rejects.toMatchObject({
        code: 'bad_request',
        message: expect.stringMatching(said) as string,
      });
  });

  test('classes have limits of their own, guessed from the system until somebody says so', async () => {
    const { tenant, sql, sweep, ago, machine, point, kinds, quiet } = bench;
    const laptop = await machine('laptop', 0, 'win32');
    await quiet('drill_overdue', 'silent');
    await point(laptop, ago(30 * HOUR));
    await sweep();
    expect(await kinds()).toEqual([]);
    await sql((tx) => tx.device.updateMany({ where: { tenantId: tenant.id }, data: { class: 'server' } }));
    await sweep();
    expect(await kinds()).toEqual(['no_point']);
  });

  test('a device that was removed takes its alerts with it', async () => {
    const { tenant, sql, sweep, now, machine, alerts, open } = bench;
    const one = await machine('srv');
    await sweep();
    expect((await open()).length).toBeGreaterThan(0);
    await sql((tx) =>
      tx.device.updateMany({ where: { tenantId: tenant.id, id: one.deviceId }, data: { revokedAt: now() } }),
    );
    await sweep();
    expect(await open()).toEqual([]);
    expect(new Set((await alerts()).map(({ resolution }) => resolution))).toEqual(new Set(['device_gone']));
  });

  test('a policy that was made weaker alerts whoever changed it, until it is as it was or the owner accepts it', async () => {
    const { tenant, technician, sweep, alerts, open, only } = bench;
    await sweep();
    await setPolicy({ ...testPolicy, rpoMinutes: 240 });
    await sweep();
    await sweep();
    expect(await open()).toMatchObject([{ kind: 'weakened', policyId: tenant.customers[0].policyId, deviceId: null }]);
    expect((await only('weakened')).message).toContain('older data: 4 h instead of 2 h');
    await setPolicy(testPolicy);
    await sweep();
    expect(await open()).toEqual([]);
    await setPolicy({ ...testPolicy, rpoMinutes: 240 });
    services.clock.advance(HOUR);
    await sweep();
    const { id } = await only('weakened');
    await expect(acceptAlerts(services, technician, [id], 'agreed')).rejects.toMatchObject({ code: 'forbidden' });
    await acceptAlerts(services, tenant.owner, [id], 'Agreed with the customer.');
    await sweep();
    expect(await open()).toEqual([]);
    const accepted = await alerts();
    expect(accepted.at(-1)).toMatchObject({ resolution: 'accepted', resolvedBy: tenant.owner.actor.id });
    // And from there on it is the measure.
    await setPolicy({ ...testPolicy, rpoMinutes: 241 });
    await sweep();
    expect((await only('weakened')).message).toContain('4 h 1 min instead of 4 h');
  });

  test('what a policy lost since the alert was read is not accepted with it', async () => {
    const { tenant, sweep, open, only } = bench;
    await sweep();
    await setPolicy({ ...testPolicy, rpoMinutes: 240 });
    await sweep();
    const { id } = await only('weakened');
    await setPolicy({ ...testPolicy, rpoMinutes: 6000 });
    await expect(acceptAlerts(services, tenant.owner, [id], 'agreed')).rejects.toMatchObject({ code: 'conflict' });
    services.clock.advance(MINUTE);
    await sweep();
    expect(await only('weakened')).toMatchObject({
      id,
      message: expect.stringContaining('100 h instead of 2 h') as string,
    });
    await acceptAlerts(services, tenant.owner, [id], 'Agreed with the customer.');
    await sweep();
    expect(await open()).toEqual([]);
  });

  test('a vault whose keys somebody else holds alerts until that is accepted', async () => {
    const { tenant, sql, sweep, machine, open, only, quiet } = bench;
    const one = await machine('srv');
    await quiet('no_point', 'silent');
    await sql((tx) => tx.$executeRaw`UPDATE vault SET custody = 'customer_held' WHERE id = ${one.vaultId}::uuid`);
    await sweep();
    const { id } = await only('weakened');
    await acceptAlerts(services, tenant.owner, [id], 'The customer wants it.');
    await sweep();
    expect(await open()).toEqual([]);
  });
});

describe('what a rule did', () => {
  test('the report of a rule counts what was over by itself within the hour', async () => {
    const { technician, machine, quiet, run, sweep } = bench;
    const one = await machine('srv');
    await quiet('silent', 'no_point', 'drill_overdue');
    await run(one, 'failed');
    await sweep();
    services.clock.advance(10 * MINUTE);
    await run(one, 'sealed');
    await sweep();
    const { rules, devices } = await viewRules(services, technician);
    const report = rules.find(({ rule }) => rule.kind === 'run_failed');
    expect(devices).toBe(1);
    expect(report?.noise).toMatchObject({ alerts: 1, noisy: 1, over: 1, per100DevicesWeek: 25, mttrMs: 10 * MINUTE });
    expect(rules.find(({ rule }) => rule.kind === 'silent')?.rule.isEnabled).toBe(false);
    // The list that the figure opens has as many, and none from before its days.
    const listed = async (sinceMs: number) =>
      (
        await viewAlerts(
          services,
          technician,
          { state: 'any', text: '', kind: 'run_failed', rule: 'built_in', sinceMs },
          1,
        )
      ).total;
    expect(await listed(services.clock.nowMs() - 28 * 24 * HOUR)).toBe(report?.noise.alerts);
    expect(await listed(services.clock.nowMs() - MINUTE)).toBe(0);
  });
});
