import { expect, type Page, test } from '@playwright/test';
import type pg from 'pg';
import { connectToService } from '../support/e2e-database.ts';
import { APPEARANCES, expectFits } from './expect-fits.ts';
import { openDevice } from './open-pages.ts';
import { openAs, signInAs } from './sign-in-as.ts';
import { shoot } from './shoot.ts';
import { runSweep } from '../support/run-sweep.ts';
import { untilAlive } from './until-alive.ts';

let database: pg.Client;

test.beforeAll(async () => {
  database = await connectToService();
  await removePlanted();
});
test.afterAll(async () => {
  await removePlanted();
  await database.end();
});
test.beforeEach(async () => await removePlanted());

const PLANTED = 'PLANTED-';
const DOWN = 'Lindqvist Dental cannot be reached';

/** Machines beside the real one that were enrolled days ago and never called: the service itself finds them silent, by its sweep. */
async function plantSite(count: number): Promise<void> {
  await database.query(
    `INSERT INTO device (tenant_id, id, customer_id, policy_id, name, hostname, os, arch, agent_version, public_key, enrolled_at)
     SELECT d.tenant_id, gen_random_uuid(), d.customer_id, d.policy_id, $1 || n, $1 || n, 'linux', 'x64', '0.1.0', 'none',
       now() - interval '3 days'
     FROM (SELECT * FROM device WHERE name NOT LIKE $1 || '%' AND revoked_at IS NULL LIMIT 1) d, generate_series(1, $2) n`,
    [PLANTED, count],
  );
  await runSweep(database, 'schedule-sweep');
}

/** A finding of the real device, as the worker that finds it writes it. */
async function plantFinding(kind: string, title: string, message: string): Promise<string> {
  const { rows } = await database.query<{ id: string }>(
    `WITH a AS (INSERT INTO alert (tenant_id, id, customer_id, device_id, kind, severity, cause, title, message, opened_at)
       SELECT tenant_id, gen_random_uuid(), customer_id, id, $1, 'risk', $1, $2, $3, now() - interval '5 hours' FROM device
       WHERE name NOT LIKE '${PLANTED}%' AND revoked_at IS NULL LIMIT 1 RETURNING *)
     INSERT INTO alert_event (tenant_id, id, customer_id, alert_id, at, kind)
       SELECT tenant_id, gen_random_uuid(), customer_id, id, opened_at, 'opened' FROM a RETURNING alert_id AS id`,
    [kind, title, message],
  );
  return rows[0]?.id ?? '';
}

async function removePlanted(): Promise<void> {
  const mine = `SELECT id FROM alert WHERE kind IN ('ransomware', 'suspicious') OR device_id IN (SELECT id FROM device WHERE name LIKE '${PLANTED}%')`;
  await database.query(`DELETE FROM alert_event WHERE alert_id IN (${mine})`);
  await database.query(`DELETE FROM alert WHERE id IN (${mine})`);
  for (const table of ['device_summary', 'device_watch']) {
    const { rows } = await database.query('SELECT to_regclass($1) AS there', [table]);
    if ((rows[0] as { there: string | null }).there !== null)
      await database.query(
        `DELETE FROM ${table} WHERE device_id IN (SELECT id FROM device WHERE name LIKE '${PLANTED}%')`,
      );
  }
  await database.query(`DELETE FROM device WHERE name LIKE '${PLANTED}%'`);
  await database.query('DELETE FROM alert_rule');
}

const items = (page: Page) => page.getByRole('list', { name: 'What needs somebody, by cause' }).locator('> li');

test('the line of a customer that is down is one item, handled by keyboard, and out of sight while it is snoozed', async ({
  page,
}) => {
  await plantSite(4);
  await signInAs(page, 'tomas');
  await expect(page).toHaveURL('/today');
  const item = items(page).filter({ hasText: DOWN });
  await expect(item).toContainText(/4 devices of \S/);
  // A counter opens what it counts, and nothing else.
  await page.goto('/today?only=drills');
  await expect(page.getByText('Only what stands because a restore test failed.')).toBeVisible();
  await expect(item).toHaveCount(0);
  await page.getByRole('link', { name: /, Silent: what it is made of/ }).click();
  await expect(page).toHaveURL('/today?only=silent');
  await expect(item).toHaveCount(1);
  await page.goto('/today?only=breaching');
  await expect(page.getByText('Devices whose promise breaks in less than four hours')).toBeVisible();
  await page.getByRole('link', { name: 'Show everything' }).click();
  await expect(item).toHaveCount(1);
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/needs? you/);
  await untilAlive(items(page).first());
  await page.keyboard.press('j');
  await expect(items(page).first()).toBeFocused();
  await item.focus();
  await page.keyboard.press('Enter');
  await expect(item.getByRole('link', { name: `${PLANTED}1` })).toBeVisible();
  await page.keyboard.press('a');
  await expect(page.getByText('Acknowledged. It stays here')).toBeVisible();
  await expect(item).toContainText('with Tomas Reyes');
  await item.focus();
  await page.keyboard.press('s');
  await page.getByRole('menuitem', { name: 'For four hours' }).click();
  await expect(item).toHaveCount(0);
  await expect(page.getByRole('link', { name: /4 alerts are snoozed/ })).toBeVisible();
  await page.goto('/alerts?state=snoozed');
  await page.getByRole('link', { name: 'A machine is silent' }).first().click();
  const steps = page.locator('section').filter({ hasText: 'History' }).getByRole('listitem');
  await expect(steps).toHaveCount(3);
  await expect(steps.nth(1)).toContainText(/Acknowledged.*Tomas Reyes/);
  await expect(steps.nth(2)).toContainText(/Snoozed\. Until/);
});

test('who has looked at everything says so, and the next one sees it', async ({ page }) => {
  await signInAs(page, 'hanna');
  await page.goto('/today');
  await page.getByRole('button', { name: 'I have looked at all of it' }).click();
  await expect(page.getByText(/Reviewed by Hanna .* UTC/)).toBeVisible();
});

test('what no state ends is accepted by the owner with a reason, and kept with it', async ({ page }) => {
  const id = await plantFinding(
    'ransomware',
    'Files may have been encrypted',
    'Most of its data is new and no longer compresses.',
  );
  await signInAs(page, 'tomas');
  await page.goto(`/alerts/${id}`);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Files may have been encrypted');
  await expect(page.getByRole('button', { name: /Accept/ })).toHaveCount(0);
  await signInAs(page, 'hanna');
  await page.goto(`/alerts/${id}`);
  await page.getByRole('button', { name: /^Accept/ }).click();
  await page.getByRole('dialog').getByLabel('Why').fill('The customer has encrypted its archive.');
  await page.getByRole('dialog').getByRole('button', { name: 'Accept', exact: true }).click();
  await expect(page.getByText('Somebody accepted it.')).toBeVisible();
  await expect(page.getByText('The customer has encrypted its archive.')).toBeVisible();
  await page.goto('/alerts?state=resolved&text=encrypted');
  await expect(page.getByRole('table', { name: /Alerts/ }).getByRole('row')).toHaveCount(2);
});

test('a rule is tried on the past, kept with other limits, and switched off where it is seen', async ({ page }) => {
  await signInAs(page, 'hanna');
  await page.goto('/alerts/rules');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('rules are on');
  await page.getByRole('button', { name: 'Open the rule: No restore point for too long' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Servers').fill('12');
  await dialog.getByRole('button', { name: 'Try it on the last 30 days' }).click();
  await expect(dialog.getByText(/In the last 30 days it would/)).toBeVisible();
  await dialog.getByRole('button', { name: 'Keep' }).click();
  const row = page.getByRole('row').filter({ hasText: 'No restore point for too long' });
  await expect(row).toContainText('built in, changed · servers 12 hours');
  await page.getByRole('button', { name: 'Open the rule: A machine is silent' }).click();
  await dialog.getByRole('switch', { name: 'The rule is on' }).click({ force: true });
  await dialog.getByRole('button', { name: 'Keep' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'A machine is silent' })).toContainText('Off');
});

test('a customer sees their own alerts and nothing to press; the other customer sees none', async ({
  page,
  browser,
}) => {
  const id = await plantFinding('suspicious', 'A backup holds far less than before', 'It holds 1 file.');
  await signInAs(page, 'maja');
  await page.goto('/alerts');
  await page.getByRole('link', { name: 'A backup holds far less than before' }).click();
  await expect(page).toHaveURL(`/alerts/${id}`);
  await expect(page.getByRole('button', { name: /Acknowledge|Snooze|Owner|Accept|Excuse/ })).toHaveCount(0);
  for (const path of ['/today', '/alerts/rules']) expect((await page.goto(path))?.status(), path).toBe(404);
  const other = await openAs(browser, 'sam');
  await other.goto('/alerts');
  await expect(other.getByRole('heading', { level: 1 })).toHaveText('No alert stands.');
  expect((await other.goto(`/alerts/${id}`))?.status()).toBe(404);
});

test('an owner gives a rule the devices of a filter, and a vault a quota; what is no such filter is said in plain words', async ({
  page,
}) => {
  await signInAs(page, 'hanna');
  await page.goto('/alerts/rules');
  await page.getByRole('button', { name: 'New rule…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Gold machines');
  await dialog.getByLabel('Devices').fill('status:failed');
  // A new rule is switched on, so that it is tried first; with other limits, again.
  await expect(dialog.getByRole('button', { name: 'Keep', exact: true })).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Try it on the last 30 days, then keep' }).click();
  await expect(dialog.getByText(/“status” changes while the rule looks/)).toBeVisible();
  await dialog.getByLabel('Devices').fill('tag:gold -name:test');
  await dialog.getByRole('button', { name: 'Try it on the last 30 days, then keep' }).click();
  await expect(dialog.getByText('The rule looks at no device.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Keep', exact: true }).click();
  await expect(dialog).toHaveCount(0);
  const row = page.getByRole('table', { name: 'Rules' }).getByRole('row').filter({ hasText: 'Gold machines' });
  await expect(row).toContainText('where tag:gold -name:test');

  await page.goto(`${await openDevice(page)}?tab=policy`);
  await page.getByRole('button', { name: 'Set a quota…' }).click();
  await page.getByRole('dialog').getByLabel('Quota').fill('500');
  await page.getByRole('dialog').getByRole('button', { name: 'Keep' }).click();
  await expect(page.getByText(/of 500 GB/)).toBeVisible();
  await page.getByRole('button', { name: 'Change the quota…' }).click();
  await page.getByRole('dialog').getByLabel('Quota').fill('');
  await page.getByRole('dialog').getByRole('button', { name: 'Keep' }).click();
  await expect(page.getByText(/, without a quota/)).toBeVisible();
  await signInAs(page, 'tomas');
  await page.goto(`${await openDevice(page)}?tab=policy`);
  await expect(page.getByText(/, without a quota/)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Set a quota…' })).toHaveCount(0);
});

for (const { name, use } of APPEARANCES)
  test.describe(name, () => {
    test.use(use);
    test('with alerts of several causes every screen is accessible and fits', async ({ page }, info) => {
      await plantSite(5);
      const id = await plantFinding(
        'ransomware',
        'Files may have been encrypted',
        'Most of its data is new and no longer compresses.',
      );
      await plantFinding(
        'suspicious',
        'A backup holds far less than before',
        'It holds 1 file where an earlier backup holds 9 files.',
      );
      await signInAs(page, 'hanna');
      await page.goto('/today');
      await expect(items(page).filter({ hasText: DOWN })).toBeVisible();
      await items(page).first().locator('summary').click();
      for (const path of ['/today', '/alerts', `/alerts/${id}`, '/alerts/rules']) {
        if (path !== '/today') await page.goto(path);
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
        await shoot(page, info, path === `/alerts/${id}` ? 'alert' : path.slice(1).replace('/', '-'));
        await expectFits(page);
      }
      await page.getByRole('button', { name: 'Open the rule: Backups fail again and again' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Try it on the last 30 days' }).click();
      await expect(page.getByRole('dialog').getByText(/In the last 30 days/)).toBeVisible();
      await shoot(page, info, 'rule', { fullPage: false });
      await expectFits(page);
    });
  });
