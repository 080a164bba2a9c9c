/** What people see of alerts and do about them, and who may; quotas; and what is told on. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { setExcuseRule } from '../sla/excuses.ts';
import { createTestTenant } from '../testing/test-services.ts';
import { viewForecast } from '../usage/view-forecast.ts';
import { acknowledgeAlerts, assignAlerts, snoozeAlerts } from './act-on-alerts.ts';
import { readAlertEvents } from './alert-events.ts';
import { changeRule } from './change-rule.ts';
import { excuseAlerts } from './excuse-alerts.ts';
import { viewAlert, viewAlerts } from './list-alerts.ts';
import { viewToday } from './queries.ts';
import { reviewToday } from './review-today.ts';
import { setCustomerQuota, setVaultQuota } from './set-quota.ts';
import { type AlertBench, createAlertBench, DAY, HOUR, MINUTE } from './testing/alert-bench.ts';
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

describe('quota', () => {
  test('a customer that will be full within two weeks alerts when the quota is set, and not once it is larger', async () => {
    const { tenant, technician, ago, machine, point, open, only } = bench;
    const one = await machine('srv');
    for (let day = 20; day > 0; day--) await point(one, ago(day * DAY), 1_000_000);
    await setCustomerQuota(services, tenant.owner, one.customerId, 30_000_000);
    expect(await open()).toMatchObject([{ kind: 'quota', deviceId: null, customerId: one.customerId }]);
    expect((await only('quota')).message).toMatch(/used 66 % of its storage.*in 10 days/);
    // The page of its usage says the same, and nobody else's scope sees it.
    expect(await viewForecast(services, tenant.customers[0].viewer, one.customerId)).toEqual({
      usedBytes: 20_000_000,
      bytesPerDay: 1_000_000,
      days: 20,
      quota: { bytes: 30_000_000, usedShare: 2 / 3, daysLeft: 10 },
    });
    await expect(viewForecast(services, tenant.customers[1].viewer, one.customerId)).rejects.toMatchObject({
      code: 'not_found',
    });
    await setCustomerQuota(services, tenant.owner, one.customerId, 300_000_000);
    expect(await open()).toEqual([]);
    await expect(setCustomerQuota(services, technician, one.customerId, 1)).rejects.toMatchObject({
      code: 'forbidden',
    });
  });

  test('a vault has one of its own, which alerts at its device and says when it is full', async () => {
    const { tenant, technician, ago, machine, point, open, only } = bench;
    const one = await machine('srv');
    for (let day = 20; day > 0; day--) await point(one, ago(day * DAY), 1_000_000);
    await setVaultQuota(services, tenant.owner, one.deviceId, 21_000_000);
    const tight = await only('quota');
    expect(tight).toMatchObject({ deviceId: one.deviceId, cause: 'quota' });
    expect(tight.message).toMatch(/^srv has used 95 %/);
    await setVaultQuota(services, tenant.owner, one.deviceId, 10_000_000);
    expect(await only('quota')).toMatchObject({ id: tight.id, cause: 'quota_full' });
    expect((await only('quota')).message).toMatch(/^srv has used 200 %.*Backups go on/);
    await setVaultQuota(services, tenant.owner, one.deviceId, null);
    expect(await open()).toEqual([]);
    await expect(setVaultQuota(services, technician, one.deviceId, 1)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(setVaultQuota(services, tenant.owner, one.customerId, 1)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a rule that is switched off closes the alerts of quotas with the next sweep, whether a backup comes or not', async () => {
    const { tenant, ago, machine, point, sweep, quiet, alerts } = bench;
    const one = await machine('srv');
    await point(one, ago(DAY), 1_000_000);
    await setCustomerQuota(services, tenant.owner, one.customerId, 1_000_000);
    await quiet('quota');
    await sweep();
    expect((await alerts()).find(({ kind }) => kind === 'quota')).toMatchObject({ resolution: 'rule_off' });
  });
});

describe('people', () => {
  test('today: one item for one cause over all customers, with the time until the promise is broken', async () => {
    const { tenant, technician, sweep, ago, machine, run, point, quiet } = bench;
    await quiet('drill_overdue', 'no_point');
    for (const at of [0, 1] as const)
      for (const name of ['a', 'b']) {
        const one = await machine(`${name}${at}`, at);
        await point(one, ago(HOUR));
        await run(one, 'failed', { message: `The writer failed with ${at}${name === 'a' ? 1 : 2}.` });
      }
    await sweep();
    const view = await viewToday(services, technician);
    expect(view.groups).toMatchObject([
      {
        devices: 4,
        customers: 2,
        kinds: ['run_failed'],
        shared: ['all under the policy alerts policy', 'all with agent 1.2.0'],
      },
    ]);
    // Two hours are promised, and the newest point is an hour old.
    expect(Math.abs(view.groups[0]!.breachMs! - (services.clock.nowMs() + HOUR))).toBeLessThan(MINUTE);
    expect(view.counts).toMatchObject({ open: 1, breachingSoon: 4 });
    expect(view.review).toBeNull();
    await reviewToday(services, technician);
    expect((await viewToday(services, technician)).review).toMatchObject({ name: 'Tove', openGroups: 1 });
    await expect(viewToday(services, tenant.customers[0].viewer)).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('today counts a device once by the source that breaks its promise first, and not one whose next backup comes before', async () => {
    const { tenant, technician, sql, ago, machine, point, expected } = bench;
    const soon = async () => {
      const { counts, breaching } = await viewToday(services, technician);
      // The figure opens exactly the devices that it counts.
      expect(new Set(breaching.map(({ deviceId }) => deviceId)).size).toBe(counts.breachingSoon);
      return counts.breachingSoon;
    };
    const second = async (of: Awaited<ReturnType<typeof machine>>) => {
      const { deviceId, customerId } = of;
      const id = newId();
      const own = { tenantId: tenant.id, customerId, deviceId };
      await sql((tx) =>
        tx.source.create({ data: { ...own, id, kind: 'files', name: 'More files', createdAt: ago(50 * DAY) } }),
      );
      return { ...of, sourceId: id };
    };
    // Two hours are promised, and four are soon.
    const fresh = await machine('first source near');
    await point(fresh, ago(HOUR));
    expect(await soon()).toBe(1);
    const [near] = (await viewToday(services, technician)).breaching;
    expect(near).toMatchObject({ deviceId: fresh.deviceId, deviceName: 'first source near' });
    expect(Math.abs(near!.breachMs - (services.clock.nowMs() + HOUR))).toBeLessThan(MINUTE);
    const broken = await machine('first source long broken, second near');
    await point(broken, ago(3 * HOUR));
    expect(await soon()).toBe(1);
    await point(await second(broken), ago(HOUR));
    expect(await soon()).toBe(2);
    await point(await second(fresh), ago(30 * MINUTE));
    expect(await soon()).toBe(2);
    // Its next backup may come ten minutes after the promise is broken; then, 40 minutes before.
    await expected(fresh, null, ago(-10 * MINUTE));
    expect(await soon()).toBe(2);
    await sql((tx) =>
      tx.expectedOccurrence.updateMany({
        where: { tenantId: tenant.id, sourceId: fresh.sourceId },
        data: { windowEnd: ago(-20 * MINUTE) },
      }),
    );
    // Its second source still breaks.
    expect(await soon()).toBe(2);
    await sql((tx) =>
      tx.restorePoint.updateMany({
        where: { tenantId: tenant.id, deviceId: fresh.deviceId, sourceId: { not: fresh.sourceId } },
        data: { captureAt: ago(3 * HOUR) },
      }),
    );
    expect(await soon()).toBe(1);
  });

  test('a snoozed alert is out of sight, stays open, and wakes at its end', async () => {
    const { tenant, technician, sql, sweep, now, machine, kinds, only, quiet } = bench;
    await machine('srv');
    await quiet('silent');
    await sweep();
    const { id } = await only('no_point');
    const until = services.clock.nowMs() + 2 * HOUR;
    await snoozeAlerts(services, technician, [id], until, 'The site moves.');
    expect((await viewToday(services, technician)).groups).toEqual([]);
    expect((await viewToday(services, technician)).snoozed).toBe(1);
    await sweep();
    expect(await kinds()).toEqual(['no_point']);
    services.clock.advance(2 * HOUR + MINUTE);
    await sql((tx) => tx.deviceState.updateMany({ where: { tenantId: tenant.id }, data: { lastSeenAt: now() } }));
    await sweep();
    expect(await only('no_point')).toMatchObject({ id, snoozedUntil: null });
    expect((await viewToday(services, technician)).groups).toHaveLength(1);
    const { steps } = await viewAlert(services, technician, id);
    expect(steps.map(({ kind }) => kind)).toEqual(['opened', 'snoozed', 'woken']);
    expect(steps[1]).toMatchObject({ who: 'Tove', note: 'The site moves.' });
    for (const wrong of [services.clock.nowMs() - 1, services.clock.nowMs() + 40 * DAY])
      await expect(snoozeAlerts(services, technician, [id], wrong, null)).rejects.toMatchObject({
        code: 'bad_request',
      });
  });

  test('an excused backup counts no longer, says who approved it, and does not alert again', async () => {
    const { tenant, technician, sql, sweep, ago, machine, run, expected, alerts, open, kinds, quiet } = bench;
    const one = await machine('srv');
    await quiet('drill_overdue', 'silent', 'no_point');
    const good = await expected(one, 'ok', ago(5 * HOUR));
    const missed = await expected(one, 'missed', ago(3 * HOUR));
    const failed = await expected(one, 'failed', ago(2 * HOUR));
    await run(one, 'failed', { occurrenceId: failed });
    await sweep();
    expect(await kinds()).toEqual(['run_failed']);
    const [alert] = await open();
    const { viewer } = tenant.customers[0];
    await expect(excuseAlerts(services, viewer, [alert!.id], 'power cut')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(excuseAlerts(services, technician, [alert!.id], ' ')).rejects.toMatchObject({ code: 'bad_request' });
    await setExcuseRule(services, tenant.owner, true);
    expect(await excuseAlerts(services, technician, [alert!.id], 'Announced power cut.')).toEqual({
      isApproved: false,
    });
    expect(await kinds()).toEqual(['run_failed']);
    await setExcuseRule(services, tenant.owner, false);
    expect(await excuseAlerts(services, technician, [alert!.id], 'Announced power cut.')).toEqual({ isApproved: true });
    const outcomeOf = async (id: string) =>
      (await sql((tx) => tx.expectedOccurrence.findFirstOrThrow({ where: { tenantId: tenant.id, id } }))).outcome;
    expect([await outcomeOf(good), await outcomeOf(missed), await outcomeOf(failed)]).toEqual([
      'ok',
      'excused',
      'excused',
    ]);
    await sweep();
    expect(await open()).toEqual([]);
    expect(await alerts()).toMatchObject([{ resolution: 'excused', resolvedBy: technician.actor.id }]);
    expect((await viewAlert(services, viewer, alert!.id)).steps.map(({ kind, note }) => [kind, note])).toEqual([
      ['opened', null],
      ['excused', 'Announced power cut.'],
      ['resolved', 'Announced power cut.'],
    ]);
  });

  test('customers see their own alerts, change none, and give nothing to anybody; nor does another provider', async () => {
    const { tenant, technician, sweep, machine, open, quiet, wishOf } = bench;
    await machine('ours', 0);
    await machine('theirs', 1);
    await quiet('silent');
    await sweep();
    const [mine, theirs] = tenant.customers;
    const filter = { state: 'open', text: '', kind: null } as const;
    const seen = await viewAlerts(services, mine.viewer, filter, 1);
    expect(seen.rows.map(({ customerId }) => customerId)).toEqual([mine.id]);
    expect((await viewAlerts(services, tenant.owner, { ...filter, text: 'THEIRS' }, 1)).rows).toMatchObject([
      { customerId: theirs.id },
    ]);
    const ofRule = async (rule: string) => (await viewAlerts(services, tenant.owner, { ...filter, rule }, 1)).total;
    expect([await ofRule('built_in'), await ofRule(newId())]).toEqual([2, 0]);
    const foreign = (await open()).find(({ customerId }) => customerId === theirs.id)!;
    await expect(viewAlert(services, mine.viewer, foreign.id)).rejects.toMatchObject({ code: 'not_found' });
    const other = await createTestTenant(services, 'other');
    await expect(viewAlert(services, other.owner, foreign.id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(acknowledgeAlerts(services, other.owner, [foreign.id], null)).rejects.toMatchObject({
      code: 'not_found',
    });
    for (const act of [
      acknowledgeAlerts(services, mine.viewer, [seen.rows[0]!.id], null),
      assignAlerts(services, mine.viewer, [seen.rows[0]!.id], null),
      snoozeAlerts(services, mine.viewer, [seen.rows[0]!.id], services.clock.nowMs() + HOUR, null),
      excuseAlerts(services, mine.viewer, [seen.rows[0]!.id], 'x'),
      changeRule(services, mine.viewer, { builtIn: true }, wishOf('silent')),
      changeRule(services, technician, { builtIn: true }, wishOf('silent')),
    ])
      await expect(act).rejects.toMatchObject({ code: 'forbidden' });
    await expect(assignAlerts(services, technician, [foreign.id], mine.viewer.actor.id)).rejects.toMatchObject({
      code: 'bad_request',
    });
    await assignAlerts(services, technician, [foreign.id], tenant.owner.actor.id);
    expect((await viewAlert(services, tenant.owner, foreign.id)).alert.ownerName).toBe('alerts user');
  });

  test('a reader of the events passes none that is still to be committed', async () => {
    const { tenant, sql, sweep, now, machine, open, quiet } = bench;
    await machine('srv');
    await quiet('silent');
    const start = { txid: 0n, id: '00000000-0000-0000-0000-000000000000' };
    // The server is shared with other test files, whose open transactions hold a reader back as well.
    const read = async (after: typeof start, count: number) => {
      for (;;) {
        const events = await sql((tx) => readAlertEvents(tx, tenant.id, after, 100));
        if (events.length >= count) return events;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let began: () => void = () => undefined;
    const hasBegun = new Promise<void>((resolve) => {
      began = resolve;
    });
    await sweep();
    const [alert] = await open();
    const { customerId } = alert!;
    const event = (kind: string) => ({
      tenantId: tenant.id,
      id: newId(),
      customerId,
      alertId: alert!.id,
      at: now(),
      kind,
    });
    const slow = sql(async (tx) => {
      await tx.alertEvent.create({ data: event('assigned') });
      began();
      await held;
    });
    await hasBegun;
    await sql((tx) => tx.alertEvent.create({ data: event('updated') }));
    const first = await read(start, 1);
    expect(first.map(({ kind }) => kind)).toEqual(['opened']);
    release();
    await slow;
    const last = first.at(-1)!;
    expect((await read({ txid: last.txid, id: last.id }, 2)).map(({ kind }) => kind)).toEqual(['assigned', 'updated']);
  });
});
