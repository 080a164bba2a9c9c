/**
 * From the transaction of an event to other people's servers, through the database and real jobs: what is told, once, to whom,
 * in what order, and what becomes of what does not arrive.
 */
import { describe, expect, test } from 'vitest';
import { withScope } from '../../server/db/with-scope.ts';
import { publishNotification } from '../../server/delivery/publish.ts';
import { replayDelivery } from '../../server/delivery/replay-delivery.ts';
import { headersOf } from '../../server/delivery/testing/mail-catcher.ts';
import { createChannel, setChannelState } from '../../server/delivery/save-channel.ts';
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
  webhook,
  byMail,
  eventOf,
  tell,
  deliveries,
  states,
  channelRow,
  shortIds,
} from './testing/stage.ts';

useStage();

describe('telling', () => {
  test('is part of the transaction of its cause: what is rolled back is told to nobody', async () => {
    await webhook();
    await sql(async (tx) => {
      await publishNotification(services, tx, tenant.system, eventOf());
      throw new Error('the cause did not happen');
    }).catch(() => undefined);
    await work();
    expect([seen.length, await states()]).toEqual([0, []]);
  });
  test('twice of one cause is telling once', async () => {
    await webhook();
    const { event } = await tell();
    expect(await sql((tx) => publishNotification(services, tx, tenant.system, event))).toBeUndefined();
    await work();
    expect(seen).toHaveLength(1);
    expect(await states()).toEqual(['sent']);
  });
  test('goes to the channels whose rules say so, and to those of the customer that it is about', async () => {
    const critical = [{ minSeverity: 'critical', kinds: [], customerIds: [], afterMinutes: 0 }];
    await webhook({ rules: critical });
    for (const { viewer } of tenant.customers)
      await createChannel(services, viewer, { kind: 'webhook', name: 'own', settings: { url: `${address}/own` } });
    await tell();
    await work();
    expect(seen).toHaveLength(1);
    const rows = await deliveries();
    expect(rows.map(({ customerId }) => customerId)).toEqual([tenant.customers[0].id]);
    // The other customer sees none of it, and the first one none of the provider's.
    for (const [at, count] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const scope = tenant.customers[at].viewer;
      expect(await withScope(services, scope, (tx) => tx.notificationDelivery.count())).toBe(count);
      expect(await withScope(services, scope, (tx) => tx.notificationChannel.count())).toBe(1);
    }
  });
  test('a customer sets up no service desk and no on-call channel', async () => {
    const wish = { kind: 'pagerduty', name: 'x', settings: {}, secrets: { routingKey: 'a'.repeat(32) } };
    await expect(createChannel(services, tenant.customers[0].viewer, wish)).rejects.toMatchObject({
      code: 'bad_request',
    });
  });
});

describe('a storm', () => {
  test('of 200 alerts is one mail with counts, and 200 deliveries that know in which', async () => {
    await byMail();
    for (let at = 0; at < 200; at += 1) await tell({ severity: at === 7 ? 'critical' : 'warning' });
    await pass(61_000);
    expect(mail.caught).toHaveLength(1);
    expect(mail.caught[0]!.text).toMatch(/200 new alerts: 1 critical, 199 warnings/);
    const rows = await deliveries();
    expect(new Set(rows.map(({ state, sentIn }) => `${state}/${sentIn}`)).size).toBe(1);
    expect(rows).toHaveLength(200);
  });
  test('that is over before anybody was told is told to nobody', async () => {
    await byMail();
    const { event } = await tell();
    services.clock.advance(10_000);
    await tell({ subjectKey: event.subjectKey, transition: 'resolved' });
    await pass(70_000);
    expect(mail.caught).toEqual([]);
    expect(await states()).toEqual(['skipped', 'skipped']);
  });
  test('beyond the rate waits, and comes as one message', async () => {
    await byMail({ perHour: 1, gatherSeconds: 0 });
    await tell();
    await work();
    await tell();
    await tell();
    await work();
    expect(mail.caught).toHaveLength(1);
    await pass(61 * MINUTE);
    expect(mail.caught).toHaveLength(2);
    expect(mail.caught[1]!.text).toMatch(/2 new alerts/);
  });
});

describe('an alert', () => {
  test('is one thread of mails, from its beginning to its end', async () => {
    await byMail({ gatherSeconds: 0 });
    const { event } = await tell();
    await work();
    await pass(MINUTE);
    await tell({ subjectKey: event.subjectKey, transition: 'resolved' });
    await work();
    const [opened, resolved] = mail.caught.map(({ text }) => headersOf(text));
    expect(opened!['references']).toMatch(/^<hf\./);
    expect(resolved!['references']).toBe(opened!['references']);
    expect(resolved!['message-id']).not.toBe(opened!['message-id']);
  });
  test('that nobody takes is told to the next channel after its time; one that somebody takes is not', async () => {
    await webhook({ rules: [{ minSeverity: 'info', kinds: [], customerIds: [], afterMinutes: 15 }], tells: 'opened' });
    const { event: taken } = await tell();
    const { event: left } = await tell();
    await pass(10 * MINUTE);
    await tell({ subjectKey: taken.subjectKey, transition: 'acknowledged' });
    expect(seen).toEqual([]);
    await pass(6 * MINUTE);
    expect(seen.map(({ body }) => body.data.id)).toEqual([left.subjectKey]);
    expect((await states()).sort()).toEqual(['sent', 'skipped']);
  });
  test('in quiet hours waits for the morning, a critical one does not', async () => {
    const now = new Date(services.clock.nowMs());
    const clockTime = (ms: number) => new Date(now.getTime() + ms).toISOString().slice(11, 16);
    const quiet = {
      from: clockTime(-60 * MINUTE),
      until: clockTime(60 * MINUTE),
      timeZone: 'UTC',
      letsCriticalThrough: true,
    };
    await byMail({ quiet, gatherSeconds: 0 });
    await tell();
    await tell({ severity: 'critical' });
    await work();
    expect(mail.caught).toHaveLength(1);
    await pass(61 * MINUTE);
    expect(mail.caught).toHaveLength(2);
  });
});

describe('what does not arrive', () => {
  test('is tried five times with the same id, then ends with its reason, and can be sent again', async () => {
    const id = await webhook();
    setAnswers([500, 500, 500, 500, 500]);
    await tell();
    await work();
    for (const wait of [31_000, 7 * MINUTE, 31 * MINUTE, 121 * MINUTE]) await pass(wait);
    await pass(300 * MINUTE);
    expect(seen).toHaveLength(5);
    expect(new Set(shortIds()).size).toBe(1);
    const [dead] = await deliveries();
    expect(dead).toMatchObject({ state: 'failed', attempts: 5, reason: 'The receiver did not take it (500).' });
    expect(dead!.response).toBe('500 said the receiver');
    await setChannelState(services, tenant.owner, id, 'on');
    const { deliveryId } = await replayDelivery(services, tenant.owner, dead!.id);
    await work();
    expect(seen).toHaveLength(6);
    expect(new Set(shortIds()).size).toBe(1);
    expect((await deliveries()).find((one) => one.id === deliveryId)).toMatchObject({
      state: 'sent',
      replayOf: dead!.id,
    });
  });
  test('is tried again after a greylisting, and arrives once', async () => {
    await byMail({ gatherSeconds: 0 });
    mail.refuseRecipients(451);
    await tell();
    await work();
    mail.refuseRecipients(undefined);
    await pass(31_000);
    expect(mail.caught).toHaveLength(1);
    expect(await deliveries()).toMatchObject([{ state: 'sent', attempts: 2 }]);
  });
  test('for a recipient who does not exist ends at once', async () => {
    await byMail({ gatherSeconds: 0 });
    mail.refuseRecipients(550);
    await tell();
    await work();
    await pass(DAY);
    expect(await deliveries()).toMatchObject([
      { state: 'failed', attempts: 1, reason: expect.stringContaining('550') },
    ]);
  });
  test('because the server hangs up after each mail makes two copies with one id, and no storm', async () => {
    await byMail({ gatherSeconds: 0 });
    mail.behave('hang_up', 'hang_up', 'hang_up', 'hang_up', 'hang_up');
    await tell();
    await work();
    for (let hours = 0; hours < 12; hours += 1) await pass(60 * MINUTE);
    expect(mail.caught).toHaveLength(2);
    expect(new Set(mail.caught.map(({ text }) => headersOf(text)['message-id'])).size).toBe(1);
    expect(await states()).toEqual(['failed']);
  });
  test('lets the channel rest, spares the attempts of what waits, and goes on when it works again', async () => {
    const id = await webhook();
    setAnswers(Array.from({ length: 6 }, () => 503));
    for (let at = 0; at < 8; at += 1) await tell();
    await work();
    expect(seen).toHaveLength(5);
    expect((await channelRow(id)).brokenUntil).not.toBeNull();
    await work();
    expect(seen).toHaveLength(5);
    await pass(121_000);
    expect(seen).toHaveLength(6);
    await pass(5 * MINUTE);
    await pass(10 * MINUTE);
    expect((await states()).every((state) => state === 'sent')).toBe(true);
    expect(await channelRow(id)).toMatchObject({ failures: 0, brokenUntil: null, failingSince: null });
  });
  test('for days switches the channel off, and the others say so', async () => {
    const bad = await webhook();
    setAnswers(Array.from({ length: 500 }, () => 500));
    await byMail({
      rules: [{ minSeverity: 'warning', kinds: ['channel_disabled'], customerIds: [], afterMinutes: 0 }],
    });
    for (let hours = 0; hours < 80 && (await channelRow(bad)).disabledAt === null; hours += 1) {
      await tell();
      await pass(60 * MINUTE);
    }
    expect((await channelRow(bad)).disabledReason).toMatch(/three days/);
    await pass(2 * MINUTE);
    expect(mail.caught).toHaveLength(1);
    expect(mail.caught[0]!.text).toMatch(/notification channel was switched off/);
    const before = seen.length;
    await tell();
    await pass(DAY);
    expect(seen).toHaveLength(before);
  });
  test('because the address is gone switches it off at once', async () => {
    const id = await webhook();
    setAnswers([410]);
    await tell();
    await work();
    expect((await channelRow(id)).disabledAt).not.toBeNull();
  });
});
