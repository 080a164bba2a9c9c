import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type Page, test } from '@playwright/test';
import type pg from 'pg';
import { type MailCatcher, startMailCatcher } from '../../server/delivery/testing/mail-catcher.ts';
import { connectToService } from '../support/e2e-database.ts';
import { APPEARANCES, expectFits } from './expect-fits.ts';
import { openAs, signInAs } from './sign-in-as.ts';
import { shoot } from './shoot.ts';

let database: pg.Client;
let receiver: Server;
let address: string;
let mail: MailCatcher;
let answer = 200;
let received: string[] = [];

test.beforeAll(async () => {
  database = await connectToService();
  mail = await startMailCatcher();
  receiver = createServer((request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => (text += part.toString('utf8')));
    request.on('end', () => {
      received.push(text);
      response.writeHead(answer).end(answer === 200 ? 'taken' : 'the receiver is being rebuilt');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/holdfast`;
});
test.afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await mail.stop();
  await database.end();
});
test.beforeEach(async () => {
  answer = 200;
  received = [];
  for (const table of [
    'notification_delivery',
    'notification',
    'external_ticket',
    'notification_channel',
    'mail_sender',
  ])
    await database.query(`DELETE FROM ${table}`);
});

async function addWebhook(page: Page, name: string): Promise<void> {
  await page.goto('/settings/notifications');
  await page.getByRole('button', { name: 'Add a channel' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox', { name: 'By which way' }).click();
  await page.getByRole('option', { name: 'Webhook' }).click();
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByLabel('Address').fill(address);
  await dialog.getByRole('button', { name: 'Add it' }).click();
  await expect(page.getByText(/whsec_/)).toBeVisible();
  await page.getByRole('button', { name: 'I have copied it' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('has not been tried yet');
}

test('a webhook is set up, shows its secret once, and a test shows the true answer, good or bad', async ({ page }) => {
  await signInAs(page, 'hanna');
  await page.getByRole('link', { name: 'Notifications' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Nobody is told anything yet');
  await addWebhook(page, 'Our automation');
  expect(await page.content()).not.toContain('whsec_');
  await page.getByRole('button', { name: 'Send a test' }).click();
  await expect(page.getByText('It arrived')).toBeVisible();
  await expect(page.getByText('200 taken').first()).toBeVisible();
  // Something may happen to the real device meanwhile, and is told as well.
  expect(received.map((text) => (JSON.parse(text) as { type: string }).type)).toContain('holdfast.test');
  answer = 500;
  await page.getByRole('button', { name: 'Send a test' }).click();
  await expect(page.getByText('It did not arrive')).toBeVisible();
  await expect(page.getByText('500 the receiver is being rebuilt').first()).toBeVisible();
  // The failed one is sent again by hand, from the log, and its filters find it.
  answer = 200;
  await page.goto('/settings/notifications/log?state=failed');
  const row = page.getByRole('table').getByRole('row').filter({ hasText: 'Given up' });
  await row.getByRole('button', { name: 'Send again' }).click();
  await expect(page.getByText('Sent again, under the same id')).toBeVisible();
  await page.goto(`/settings/notifications/log?text=${encodeURIComponent('A test from Holdfast')}`);
  await expect(page.getByRole('table').getByText('sent again by hand')).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('3 deliveries match');
});

test('mail goes through the provider’s own server, and rules decide what is told', async ({ page }) => {
  await signInAs(page, 'hanna');
  await page.goto('/settings/notifications/mail');
  await page.getByLabel('Address').fill('backup@northgate.com');
  await page.getByLabel('Server', { exact: true }).fill('127.0.0.1');
  await page.getByRole('textbox', { name: 'Port' }).fill(String(mail.port));
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Send a test through a channel by e-mail.')).toBeVisible();
  await page.goto('/settings/notifications');
  await page.getByRole('button', { name: 'Add a channel' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('On-call team');
  await dialog.getByLabel('To').fill('anna@northgate.com\nbo@northgate.com');
  await dialog.getByRole('button', { name: 'Add it' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('E-mail to anna@northgate.com and 1 more');
  await page.getByRole('button', { name: 'Send a test' }).click();
  await expect(page.getByText('It arrived')).toBeVisible();
  expect(mail.caught.at(-1)?.to).toEqual(['anna@northgate.com', 'bo@northgate.com']);
  await page.getByLabel('After so many minutes').fill('15');
  await page.getByLabel('Quiet hours').check();
  await page.getByLabel('Daily digest').check();
  await page.getByRole('button', { name: 'Save what is told' }).click();
  await expect(page.getByText('Saved. It holds for everything that happens from now on.')).toBeVisible();
  await expect(
    page.getByText(/when nobody took it for 15 minutes; quiet 22:00 to 07:00; digest at 07:30/),
  ).toBeVisible();
});

test('a customer has channels of its own, by mail and webhook, and sees nobody else’s', async ({ browser }) => {
  const staff = await openAs(browser, 'hanna');
  await addWebhook(staff, 'The provider’s own');
  const foreign = new URL(staff.url()).pathname;
  const page = await openAs(browser, 'maja');
  expect((await page.goto(foreign))?.status()).toBe(404);
  expect((await page.goto('/settings/notifications/mail'))?.status()).toBe(404);
  await page.goto('/settings/notifications');
  await expect(page.getByText('The provider’s own')).toHaveCount(0);
  await page.getByRole('button', { name: 'Add a channel' }).click();
  await page.getByRole('dialog').getByRole('combobox', { name: 'By which way' }).click();
  await expect(page.getByRole('option')).toHaveText(['E-mail', 'Webhook']);
  await page.keyboard.press('Escape');
  await addWebhook(page, 'Ours');
  await page.getByRole('button', { name: 'Send a test' }).click();
  await expect(page.getByText('It arrived')).toBeVisible();
});

test('a technician sees the channels and the log, and changes nothing', async ({ page }) => {
  await signInAs(page, 'hanna');
  await addWebhook(page, 'Our automation');
  const path = new URL(page.url()).pathname;
  await page.context().clearCookies();
  await signInAs(page, 'tomas');
  await page.goto(path);
  await expect(page.getByRole('heading', { name: 'The last deliveries' })).toBeVisible();
  await expect(page.getByRole('button', { name: /Save|test|Switch|Remove/ })).toHaveCount(0);
  const origin = new URL(page.url()).origin;
  const refused = await page.request.post(`/api/notification-channels/${path.split('/').at(-1)}/test`, {
    data: {},
    headers: { origin },
  });
  expect(refused.status()).toBe(403);
});

for (const { name, use } of APPEARANCES)
  test.describe(name, () => {
    test.use(use);
    test('the pages are accessible and fit', async ({ page }, info) => {
      await signInAs(page, 'hanna');
      await addWebhook(page, 'Our automation');
      const path = new URL(page.url()).pathname;
      answer = 503;
      await page.getByRole('button', { name: 'Send a test' }).click();
      await expect(page.getByText('It did not arrive')).toBeVisible();
      await database.query(
        `INSERT INTO notification_channel (tenant_id, id, kind, name, settings, routing, failures, broken_until, last_error, last_sent_at)
         SELECT tenant_id, gen_random_uuid(), 'email', 'On-call team', '{"to":["anna@northgate.com","bo@northgate.com"]}', routing, 6,
           now() + interval '1 hour', 'The mail server did not answer in time.', now() - interval '3 hours' FROM notification_channel LIMIT 1`,
      );
      for (const [shot, to] of [
        ['channel', path],
        ['channels', '/settings/notifications'],
        ['log', '/settings/notifications/log'],
        ['mail', '/settings/notifications/mail'],
      ] as const) {
        await page.goto(to);
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
        await page.waitForLoadState('networkidle');
        await shoot(page, info, shot);
        await expectFits(page, shot);
      }
      await page.goto('/settings/notifications');
      await page.getByRole('button', { name: 'Add a channel' }).click();
      await expect(page.getByRole('dialog')).toBeVisible();
      await shoot(page, info, 'add', { fullPage: false });
    });
  });
