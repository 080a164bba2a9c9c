/** Channels of each kind in the hands of people and jobs: tests, secrets, tickets, digests, the monitor outside, workers that end. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { openAlert, resolveAlert } from '../../server/alerts/open-alert.ts';
import { applyChange, type Change } from '../../server/changes/apply-change.ts';
import { testChannel } from '../../server/delivery/test-channel.ts';
import { headersOf } from '../../server/delivery/testing/mail-catcher.ts';
import { DESK_ACCOUNT, type PlayedDesk, playDesk } from '../../server/delivery/testing/played-desk.ts';
import { TestDevice } from '../testing/test-device.ts';
import {
  changeChannel,
  createChannel,
  rotateSigningSecret,
  setChannelState,
} from '../../server/delivery/save-channel.ts';
import {
  MINUTE,
  DAY,
  services,
  tenant,
  mail,
  address,
  seen,
  setAnswers,
  useStage,
  sql,
  work,
  pass,
  sweep,
  channel,
  webhook,
  byMail,
  tell,
  deliveries,
  states,
  channelRow,
  shortIds,
} from './testing/stage.ts';

useStage();

describe('a test', () => {
  test('gets the true answer, through a channel that rests too', async () => {
    const id = await webhook({ quiet: { from: '00:00', until: '23:59', timeZone: 'UTC', letsCriticalThrough: false } });
    await sql((tx) =>
      tx.notificationChannel.updateMany({
        where: { id },
        data: { failures: 9, brokenUntil: new Date(services.clock.nowMs() + DAY) },
      }),
    );
    setAnswers([418]);
    const { deliveryId } = await testChannel(services, tenant.owner, id);
    await work();
    expect((await deliveries()).find((one) => one.id === deliveryId)).toMatchObject({
      state: 'failed',
      response: '418 said the receiver',
    });
    await testChannel(services, tenant.owner, id);
    await work();
    expect((await states()).sort()).toEqual(['failed', 'sent']);
    expect((await channelRow(id)).brokenUntil).toBeNull();
  });
});

describe('a customer', () => {
  const setUp = async () => {
    const { viewer } = tenant.customers[0];
    const wish = { kind: 'webhook', name: 'own', settings: { url: `${address}/own` } };
    return { viewer, id: (await createChannel(services, viewer, wish)).channelId };
  };
  test('gets the answer of a test at once, though an earlier message waits for its next attempt', async () => {
    const { viewer, id } = await setUp();
    setAnswers([500, 200]);
    await tell();
    await work();
    await testChannel(services, viewer, id);
    await work();
    expect((await states()).sort()).toEqual(['sent', 'waiting']);
  });
  test('fills nobody’s mailbox with tests', async () => {
    const { viewer, id } = await setUp();
    for (let times = 0; times < 10; times += 1) await testChannel(services, viewer, id);
    await expect(testChannel(services, viewer, id)).rejects.toMatchObject({ code: 'rate_limited' });
  });
  test('hears no faster than the provider’s mail server should be asked to', async () => {
    const { id } = await setUp();
    expect((await channelRow(id)).routing).toMatchObject({ perHour: 60 });
  });
});

describe('secrets', () => {
  test('of a channel are sealed, and a rotated one signs for a day beside the new one', async () => {
    const { channelId, signingSecret = '' } = await createChannel(services, tenant.owner, {
      kind: 'webhook',
      name: 'w',
      settings: { url: address },
    });
    const row = await channelRow(channelId);
    expect(Buffer.from(row.secretSealed!).includes(Buffer.from(signingSecret))).toBe(false);
    expect(JSON.stringify(row.settings)).not.toContain(signingSecret);
    await rotateSigningSecret(services, tenant.owner, channelId);
    await tell();
    await work();
    await pass(DAY + MINUTE);
    await tell();
    await work();
    expect(seen.map(({ headers }) => String(headers['webhook-signature']).split(' ').length)).toEqual([2, 1]);
  });
  test('are not sent to another server than the one that they were entered for', async () => {
    const secrets = { routingKey: 'R'.repeat(32) };
    const id = await channel('pagerduty', { url: address }, { secrets });
    const { port } = new URL(address);
    const moved = { version: 1, name: 'p', settings: { url: `http://localhost:${port}` } };
    await expect(changeChannel(services, tenant.owner, id, moved)).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining('Enter its secret again') as string,
    });
    const sealed = (await channelRow(id)).secretSealed;
    await changeChannel(services, tenant.owner, id, { ...moved, settings: { url: `${address}/v2` } });
    expect((await channelRow(id)).secretSealed).toEqual(sealed);
    await changeChannel(services, tenant.owner, id, { ...moved, version: 2, secrets });
    expect((await channelRow(id)).settings).toEqual(moved.settings);
  });
  test('are gone with the channel, and a change that nobody saw is refused', async () => {
    const id = await channel('slack', {}, { secrets: { url: `${address}/services/T/B/hidden` } });
    const wish = { name: 'other', settings: {}, version: 1 };
    await changeChannel(services, tenant.owner, id, wish);
    await expect(changeChannel(services, tenant.owner, id, wish)).rejects.toMatchObject({ code: 'conflict' });
    await setChannelState(services, tenant.owner, id, 'removed');
    expect(await channelRow(id)).toMatchObject({ secretSealed: null, removedAt: expect.any(Date) });
    const audit = await sql((tx) => tx.auditEvent.findMany({ where: { tenantId: tenant.id } }));
    expect(
      JSON.stringify(audit, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    ).not.toContain('hidden');
  });
});

describe('what happens to alerts', () => {
  test('is told once, in order, and what came and went is one subject', async () => {
    await webhook();
    const device = await TestDevice.enrol(services, { 'canary.txt': 'sing' }, tenant);
    const alert = { tenantId: tenant.id, customerId: tenant.customers[0].id, deviceId: device.enrolled.deviceId };
    const words = { kind: 'silent', title: 'The machine is silent', message: 'It has not called.' } as const;
    const change = async (work: (change: Change) => Promise<unknown>) =>
      await applyChange(services, tenant.system, work);
    await change((to) => openAlert(services, to, { ...alert, ...words }));
    await sweep();
    await sweep();
    expect(seen.map(({ body }) => body.type)).toEqual(['alert.opened']);
    services.clock.advance(MINUTE);
    await change((to) => resolveAlert(services, to, alert, 'silent'));
    services.clock.advance(MINUTE);
    await change((to) => openAlert(services, to, { ...alert, ...words }));
    await sweep();
    expect(seen.map(({ body }) => body.type)).toEqual(['alert.opened', 'alert.resolved', 'alert.opened']);
    expect(new Set(seen.map(({ body }) => body.data.id)).size).toBe(1);
    expect(seen[1]!.body.data.message).toMatch(/It is over by itself\. It was: It has not called/);
  });
});

describe('a service desk', () => {
  let desk: PlayedDesk;
  beforeEach(async () => {
    desk = await playDesk('connectwise');
  });
  afterEach(async () => await desk.stop());
  const atDesk = async () => {
    const { company, publicKey, privateKey, clientId } = DESK_ACCOUNT;
    const companies = { [tenant.customers[0].id]: 'Lindqvist' };
    const settings = {
      url: desk.url,
      company,
      publicKey,
      clientId,
      board: 'Backup',
      companies,
      defaultCompany: 'Northgate',
    };
    return await channel('connectwise', settings, { secrets: { privateKey } });
  };
  test('has one ticket for each customer of a storm, and none for an alert after a lost answer', async () => {
    await atDesk();
    desk.misbehave('lost_answer');
    const events = [];
    for (let at = 0; at < 8; at += 1) events.push((await tell()).event);
    await pass(61_000);
    await pass(31_000);
    expect(desk.tickets.map(({ company }) => company)).toEqual(['Lindqvist']);
    expect((await states()).every((state) => state === 'sent')).toBe(true);
    await pass(MINUTE);
    for (const { subjectKey } of events) await tell({ subjectKey, transition: 'resolved' });
    await pass(61_000);
    expect(desk.tickets.map(({ status }) => status)).toEqual(['>Closed']);
  });
});

describe('a digest', () => {
  test('comes on calm days too, numbered, says when the next one comes, and comes once', async () => {
    const at = new Date(services.clock.nowMs() + 5 * MINUTE).toISOString().slice(11, 16);
    await byMail({ digest: { at, timeZone: 'UTC' }, rules: [] });
    await sweep();
    expect(mail.caught).toEqual([]);
    for (let day = 1; day <= 2; day += 1) {
      services.clock.advance(day === 1 ? 6 * MINUTE : DAY);
      await sweep();
      await sweep();
      expect(mail.caught).toHaveLength(day);
      const { text } = mail.caught[day - 1]!;
      expect(headersOf(text)['subject']).toBe(`Daily digest ${day}: all calm`);
      expect(text.replace(/=\r?\n/g, '')).toMatch(new RegExp(`This is digest ${day}. Number ${day + 1} comes on`));
    }
  });
});

describe('the monitor outside', () => {
  test('hears of us as long as alerts are evaluated, and of nothing when they are not', async () => {
    await channel('dead_man', { everyMinutes: 5 }, { secrets: { url: `${address}/ping/token` } });
    await sweep();
    expect(seen).toEqual([]);
    const done = async (ago: string) =>
      await sql(
        (tx) => tx.$executeRaw`INSERT INTO job_intent (tenant_id, id, kind, queue, payload, state, finished_at)
        VALUES (${tenant.id}::uuid, ${newId()}::uuid, 'schedule-sweep', 'sweep', '{}', 'done', now() - ${ago}::interval)`,
      );
    await done('10 minutes');
    await sweep();
    expect(seen).toEqual([]);
    await done('10 seconds');
    await sweep();
    await sweep();
    expect(seen).toHaveLength(1);
    services.clock.advance(5 * MINUTE);
    await sweep();
    expect(seen).toHaveLength(2);
  });
});

describe('a worker', () => {
  test('that ended between the sending and its record leaves one more copy with the same id, and an end', async () => {
    await webhook();
    await tell();
    await sql((tx) =>
      tx.notificationDelivery.updateMany({ where: { tenantId: tenant.id }, data: { state: 'sending', attempts: 1 } }),
    );
    await work();
    expect(shortIds()).toHaveLength(1);
    expect(await deliveries()).toMatchObject([{ state: 'sent', attempts: 2, unknowns: 1 }]);
  });
  test('that finds the channel taken leaves it to the one that has it, which looks again before it ends', async () => {
    const id = await webhook();
    const holder = newId();
    await sql(
      (tx) => tx.$executeRaw`INSERT INTO job_intent (tenant_id, id, kind, queue, payload, state, lease_until)
        VALUES (${tenant.id}::uuid, ${holder}::uuid, 'deliver', 'notify', '{}', 'running', now() + interval '10 minutes')`,
    );
    const until = new Date(services.clock.nowMs() + 5 * MINUTE);
    await sql((tx) =>
      tx.notificationChannel.updateMany({ where: { id }, data: { drainIntentId: holder, drainUntil: until } }),
    );
    await tell();
    await work();
    expect(seen).toEqual([]);
    await pass(6 * MINUTE);
    await sweep();
    expect(seen).toHaveLength(1);
  });
});
