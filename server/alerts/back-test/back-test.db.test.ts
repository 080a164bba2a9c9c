/** Rules on the past of a real database: what is kept for it, what it answers, and that nobody switches one on without. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tidyTenant } from '../../housekeeping/tidy-tenant.ts';
import { type StartedTestServices, startTestServices } from '../../testing/start-test-services.ts';
import { changeRule } from '../change-rule.ts';
import { openAlert, resolveAlert } from '../open-alert.ts';
import { type AlertBench, createAlertBench, DAY, HOUR, type Machine, MINUTE } from '../testing/alert-bench.ts';
import { testRule } from './test-rule.ts';

let services: StartedTestServices;
let bench: AlertBench;

beforeAll(async () => {
  services = await startTestServices();
});
afterAll(() => services.stop());
beforeEach(async () => {
  bench = await createAlertBench(services);
});

/** Silences and unheard findings are known from this instant on; no program may change it. */
async function knownSince(at: Date): Promise<void> {
  await services.admin.query('UPDATE tenant SET past_kept_at = $1 WHERE id = $2', [at, bench.tenant.id]);
}

describe('a rule on the past', () => {
  test('says how often it would have called, for whom and how long, and changes nothing', async () => {
    const { tenant, technician, machine, point, expected, ago, wishOf, alerts } = bench;
    const [gap, fine] = [await machine('gap'), await machine('fine', 1)];
    for (let day = 40; day > 0; day--) {
      await point(fine, ago(day * DAY - HOUR));
      // Three days without a backup, twice.
      if (![10, 11, 12, 20, 21, 22].includes(day)) await point(gap, ago(day * DAY - HOUR));
    }
    await expected(gap, 'missed', ago(12 * DAY));
    const wish = wishOf('no_point', { parameters: { serverHours: 30, workstationHours: 72 } });
    const result = await testRule(services, technician, wish);
    expect(result).toMatchObject({
      ...{ looked: 2, total: 2, alerts: 2, hit: 1, customersHit: 1, noisy: 0, stillOpen: 0 },
      worst: [{ name: 'gap', alerts: 2 }],
    });
    // A point of the first day without one is 24 h old at its end; the next came 96 h after the last.
    expect(Math.abs(result.medianMs! - 66 * HOUR)).toBeLessThan(MINUTE);
    expect(result.perDay.reduce((a, b) => a + b)).toBe(2);
    const elsewhere = { ...wish, filter: { customerIds: [fine.customerId] } };
    expect(await testRule(services, technician, elsewhere)).toMatchObject({
      total: 1,
      alerts: 0,
      medianMs: null,
    });
    expect(await alerts()).toEqual([]);
    await expect(testRule(services, tenant.customers[0].viewer, wish)).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('a silence is known when the machine calls again, one that lasts is known as well, and a steady machine leaves no row', async () => {
    const { tenant, technician, sql, machine, ago, wishOf } = bench;
    await knownSince(ago(60 * DAY));
    const [back, gone, steady] = [await machine('back'), await machine('gone'), await machine('steady', 1)];
    const called = async ({ deviceId }: Machine, lastSeenAt: Date) =>
      await sql((tx) =>
        tx.deviceState.update({
          where: { tenantId_deviceId: { tenantId: tenant.id, deviceId } },
          data: { lastSeenAt },
          select: { deviceId: true },
        }),
      );
    // Backwards: no silence.
    for (const one of [back, gone]) await called(one, ago(40 * DAY));
    await called(steady, ago(120 * MINUTE));
    await called(back, ago(20 * DAY));
    await called(back, ago(19.5 * DAY));
    await called(back, ago(MINUTE));
    await called(gone, ago(3 * DAY));
    for (let minute = 110; minute >= 0; minute -= 10) await called(steady, ago(minute * MINUTE));
    const rows = await sql((tx) => tx.deviceGap.findMany({ where: { tenantId: tenant.id } }));
    expect(rows.filter(({ deviceId }) => deviceId === steady.deviceId)).toEqual([]);
    const wish = wishOf('silent', { parameters: { hours: 48 } });
    const result = await testRule(services, technician, wish);
    // Twenty days and almost twenty days of one, what lasts of the other: since 37 days before and since three.
    expect(result).toMatchObject({ total: 3, alerts: 4, hit: 2, stillOpen: 1, knownMs: 30 * DAY });
    expect(result.worst.map(({ name }) => name).sort()).toEqual(['back', 'gone']);
  });

  test('what began to be kept a week ago is said to be a week', async () => {
    const { technician, machine, ago, wishOf } = bench;
    await machine('srv');
    await knownSince(ago(7 * DAY));
    expect((await testRule(services, technician, wishOf('silent'))).knownMs).toBe(7 * DAY);
    expect((await testRule(services, technician, wishOf('clone'))).knownMs).toBe(7 * DAY);
    expect((await testRule(services, technician, wishOf('upkeep'))).knownMs).toBe(30 * DAY);
  });

  test('the upkeep of a vault is known from its listings: eleven days without one are an alert from the eighth on', async () => {
    const { tenant, technician, sql, sweep, machine, point, ago, wishOf } = bench;
    const one = await machine('srv');
    await point(one, ago(50 * DAY));
    for (let day = 49; day >= 0; day--)
      if (day < 10 || day > 20)
        await sql((tx) =>
          tx.verification.create({
            data: {
              ...{ tenantId: tenant.id, customerId: one.customerId, deviceId: one.deviceId, vaultId: one.vaultId },
              ...{ id: crypto.randomUUID(), purpose: 'rolling', level: 0, state: day === 30 ? 'failed' : 'passed' },
              ...{ startedAt: ago(day * DAY), finishedAt: ago(day * DAY - HOUR), createdAt: ago(day * DAY) },
            },
          }),
        );
    await sweep();
    const result = await testRule(services, technician, wishOf('upkeep'));
    expect(result).toMatchObject({ alerts: 1, hit: 1, stillOpen: 0 });
    // From the 21st day before to the 9th, less the seven that may pass, and until the hour of its end.
    expect(Math.abs(result.medianMs! - (5 * DAY + HOUR))).toBeLessThan(MINUTE);
  });

  test('a quota is tried at customers and vaults, by what was stored at each hour', async () => {
    const { tenant, technician, sql, machine, point, ago, wishOf } = bench;
    const one = await machine('srv');
    for (let day = 40; day > 0; day--) await point(one, ago(day * DAY), 1000);
    await sql((tx) => tx.$executeRaw`UPDATE customer SET quota_bytes = 40000 WHERE id = ${one.customerId}::uuid`);
    await sql((tx) => tx.$executeRaw`UPDATE vault SET quota_bytes = 1000000000 WHERE id = ${one.vaultId}::uuid`);
    const wish = wishOf('quota', { parameters: { usedPercent: 90, daysLeft: 1 } });
    const result = await testRule(services, technician, wish);
    // At 36,000 of 40,000: since the fifth last of forty backups.
    expect(result).toMatchObject({ about: 'quota', total: 2, looked: 2, alerts: 1, hit: 1, stillOpen: 1 });
    expect(Math.abs(result.longestMs! - 5 * DAY)).toBeLessThan(2 * HOUR);
    expect(result.worst).toMatchObject([{ customerName: null }]);
    const devices = { ...wish, filter: { devices: 'name:srv' } };
    expect(await testRule(services, technician, devices)).toMatchObject({ alerts: 0 });
    expect(tenant.customers.length).toBe(2);
  });

  test('a finding of which no rule told is known to the back-test, and one that a rule told of is counted once', async () => {
    const { tenant, technician, sql, machine, ago, wishOf, quiet, keep, alerts } = bench;
    await knownSince(ago(60 * DAY));
    const [one, other] = [await machine('srv'), await machine('other', 1)];
    const found = async (of: Machine) =>
      await sql(async (tx) => {
        const change = { tx, audit: async () => undefined };
        const subject = { tenantId: tenant.id, customerId: of.customerId, deviceId: of.deviceId };
        return await openAlert(services, change, { ...subject, kind: 'clone', title: 'Two', message: 'Two.' });
      });
    await quiet('clone');
    expect(await found(one)).toBe(true);
    expect(await found(one)).toBe(false);
    expect(await alerts()).toEqual([]);
    services.clock.advance(HOUR);
    await sql(async (tx) => {
      const subject = { tenantId: tenant.id, customerId: one.customerId, deviceId: one.deviceId };
      await resolveAlert(services, { tx, audit: async () => undefined }, subject, 'clone');
    });
    await found(other);
    services.clock.advance(HOUR);
    expect(await testRule(services, technician, wishOf('clone'))).toMatchObject({ alerts: 2, hit: 2, stillOpen: 1 });
    const narrow = wishOf('clone', { filter: { devices: 'name:srv' } });
    expect(await testRule(services, technician, narrow)).toMatchObject({ alerts: 1, longestMs: HOUR });
    await keep({ builtIn: true }, wishOf('clone'));
    await found(other);
    expect((await alerts()).length).toBe(1);
    services.clock.advance(HOUR);
    expect(await testRule(services, technician, wishOf('clone'))).toMatchObject({ alerts: 2, stillOpen: 1 });
  });

  test('what no back-test reaches any more is dropped, and what reaches into its days is not', async () => {
    const { tenant, sql, machine, ago } = bench;
    const { deviceId, customerId } = await machine('srv');
    const own = { tenantId: tenant.id, customerId, deviceId };
    const gaps = [
      { ...own, fromAt: ago(50 * DAY), untilAt: ago(36 * DAY) },
      { ...own, fromAt: ago(49 * DAY), untilAt: ago(29 * DAY) },
    ];
    await sql((tx) => tx.deviceGap.createMany({ data: gaps }));
    const findings = [ago(36 * DAY), ago(34 * DAY)].map((endedAt) => ({ endedAt, foundAt: ago(40 * DAY) }));
    await sql((tx) =>
      tx.unheardFinding.createMany({
        data: findings.map((one) => ({ ...own, ...one, id: crypto.randomUUID(), kind: 'clone' })),
      }),
    );
    await tidyTenant(services, tenant.system);
    expect(await sql((tx) => tx.deviceGap.count({ where: { tenantId: tenant.id } }))).toBe(1);
    expect(await sql((tx) => tx.unheardFinding.count({ where: { tenantId: tenant.id } }))).toBe(1);
  });
});

describe('a rule is switched on', () => {
  test('by somebody who has seen what exactly it would have done, within the hour; the server asks, whatever the dialog did', async () => {
    const { tenant, technician, wishOf, quiet } = bench;
    const { owner } = tenant;
    await quiet('no_point');
    const wish = wishOf('no_point');
    const refused = { code: 'conflict', message: expect.stringContaining('Try it on the last 30 days') as string };
    const on = async (over = {}) => await changeRule(services, owner, { builtIn: true }, { ...wish, ...over });
    await expect(on()).rejects.toMatchObject(refused);
    // What a colleague saw, or other limits, is no answer.
    await testRule(services, technician, wish);
    await testRule(services, owner, wishOf('no_point', { parameters: { serverHours: 25, workstationHours: 72 } }));
    await testRule(services, owner, wishOf('no_point', { filter: { classes: ['server'] } }));
    await expect(on()).rejects.toMatchObject(refused);
    await testRule(services, owner, wish);
    services.clock.advance(61 * MINUTE);
    await expect(on()).rejects.toMatchObject(refused);
    await testRule(services, owner, wish);
    services.clock.advance(59 * MINUTE);
    // Its urgency is no part of what was tried.
    await on({ severity: 'warn' });
  });

  test('and changed while it is on by the same; its name, its urgency and its end need nothing, and the record says what was seen', async () => {
    const { tenant, sql, wishOf } = bench;
    const { owner } = tenant;
    const wish = wishOf('missed', { name: 'Twice', parameters: { backups: 2 } });
    await expect(changeRule(services, owner, { isNew: true }, wish)).rejects.toMatchObject({ code: 'conflict' });
    // One that is off calls nobody.
    const { id } = await changeRule(services, owner, { isNew: true }, { ...wish, isEnabled: false });
    await expect(changeRule(services, owner, { id }, wish)).rejects.toMatchObject({ code: 'conflict' });
    await testRule(services, owner, wish);
    await changeRule(services, owner, { id }, wish);
    services.clock.advance(2 * HOUR);
    await changeRule(services, owner, { id }, { ...wish, name: 'Two in a row', severity: 'info' });
    const wider = { ...wish, parameters: { backups: 3 } };
    await expect(changeRule(services, owner, { id }, wider)).rejects.toMatchObject({ code: 'conflict' });
    await changeRule(services, owner, { id }, { ...wider, isEnabled: false });
    const audits = await sql((tx) =>
      tx.auditEvent.findMany({
        where: { tenantId: tenant.id, action: 'alert_rule.changed' },
        orderBy: { sequence: 'asc' },
        select: { data: true },
      }),
    );
    expect(audits.map(({ data }) => (data as { backTest?: unknown }).backTest)).toEqual([
      undefined,
      { alerts: 0, subjects: 0 },
      undefined,
      undefined,
    ]);
  });
});
