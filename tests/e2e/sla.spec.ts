import { expect, type Page, test } from '@playwright/test';
import type pg from 'pg';
import { connectToService } from '../support/e2e-database.ts';
import { APPEARANCES, expectFits } from './expect-fits.ts';
import { openAs, signInAs } from './sign-in-as.ts';
import { shoot } from './shoot.ts';
import { runSweep } from '../support/run-sweep.ts';

/** A customer of its own, with six weeks of backups that went well, late and wrong: a day-old service has none. */
const NAME = 'Planted Museum';
let database: pg.Client;
let customerId: string;

test.beforeAll(async () => {
  database = await connectToService();
  await removePlanted();
  customerId = await plant();
  await runSweep(database, 'schedule-sweep');
});
test.afterAll(async () => {
  await removePlanted();
  await database.end();
});

async function plant(): Promise<string> {
  const { rows } = await database.query<{ id: string }>(
    `INSERT INTO customer (tenant_id, id, name, timezone, created_at)
     SELECT id, gen_random_uuid(), $1, 'Europe/Stockholm', now() - interval '45 days' FROM tenant WHERE slug NOT LIKE 'seed-%' LIMIT 1 RETURNING id`,
    [NAME],
  );
  const id = rows[0]!.id;
  await database.query(
    `WITH p AS (INSERT INTO policy (tenant_id, id, customer_id, name, document)
         SELECT tenant_id, gen_random_uuid(), $1::uuid, 'Daily', document FROM policy
         WHERE tenant_id = (SELECT tenant_id FROM customer WHERE id = $1::uuid) LIMIT 1 RETURNING tenant_id, id),
       d AS (INSERT INTO device (tenant_id, id, customer_id, policy_id, name, hostname, os, arch, agent_version, public_key, enrolled_at)
         SELECT p.tenant_id, gen_random_uuid(), $1::uuid, p.id, x.name, x.name, 'linux', 'x64', '1', 'none', now() - interval '44 days'
         FROM p, (VALUES ('archive-1'), ('tickets-1')) AS x(name) RETURNING tenant_id, id),
       s AS (INSERT INTO source (tenant_id, id, customer_id, device_id, kind, name, created_at)
         SELECT tenant_id, gen_random_uuid(), $1::uuid, id, 'files', 'Files', now() - interval '44 days' FROM d)
     INSERT INTO vault (tenant_id, id, customer_id, device_id, prefix, custody, state)
     SELECT tenant_id, v, $1::uuid, id, 'v/' || tenant_id || '/' || v, 'escrowed', 'new' FROM d, LATERAL (SELECT gen_random_uuid() AS v WHERE d.id IS NOT NULL) x`,
    [id],
  );
  // Each day at half past one; on four of them it went wrong, on two it was late.
  await database.query(
    `WITH made AS MATERIALIZED (
       SELECT s.tenant_id, s.customer_id, s.device_id, s.id AS source_id, v.id AS vault_id, gen_random_uuid() AS run_id,
         gen_random_uuid() AS occurrence_id, date_trunc('day', now()) - make_interval(days => n) + interval '90 minutes' AS due,
         CASE WHEN n IN (9, 10) AND d.name = 'archive-1' THEN 'missed' WHEN n IN (20, 33) THEN 'failed' WHEN n IN (5, 14) THEN 'late'
           ELSE 'ok' END AS outcome
       FROM source s JOIN device d ON d.id = s.device_id JOIN vault v ON v.device_id = s.device_id, generate_series(1, 43) n
       WHERE s.customer_id = $1),
     o AS (INSERT INTO expected_occurrence (tenant_id, id, customer_id, device_id, source_id, due_at, window_end, outcome, resolved_at, reason)
       SELECT tenant_id, occurrence_id, customer_id, device_id, source_id, due, due + interval '4 hours', outcome, due + interval '5 hours',
         CASE outcome WHEN 'missed' THEN 'No backup began before the window closed.' WHEN 'failed' THEN 'The disk of the machine was full.' END
       FROM made),
     r AS (INSERT INTO backup_run (tenant_id, id, customer_id, device_id, source_id, vault_id, trigger, state, outcome, started_at,
         last_progress_at, committed_at, finished_at)
       SELECT tenant_id, run_id, customer_id, device_id, source_id, vault_id, 'schedule', 'sealed', 'ok', due, due, due, due FROM made
       WHERE outcome IN ('ok', 'late'))
     INSERT INTO restore_point (tenant_id, id, customer_id, device_id, source_id, vault_id, run_id, snapshot_id, tree_id, capture_at,
       committed_at, sealed_at, state, outcome, is_usable, files, bytes, stored_bytes, pack_ids, witness, level_passed)
     SELECT tenant_id, gen_random_uuid(), customer_id, device_id, source_id, vault_id, run_id, repeat(md5(run_id::text), 2),
       repeat(md5(run_id::text), 2), due, due, due + CASE outcome WHEN 'late' THEN interval '5 hours' ELSE interval '20 minutes' END,
       'sealed', 'ok', true, 1000, 1000000, 1000, '{}', '[]', 1
     FROM made WHERE outcome IN ('ok', 'late')`,
    [id],
  );
  // Of each third restore point somebody wanted something back; one of the machines has told what it holds.
  await database.query(
    `INSERT INTO restore_request (tenant_id, id, customer_id, device_id, restore_point_id, way, asker, state, is_end_told, requested_at,
       started_at, first_byte_at, ended_at, deadline_at, bytes, reason)
     SELECT tenant_id, gen_random_uuid(), customer_id, device_id, id, 'machine', 'machine', CASE WHEN n % 9 = 0 THEN 'failed' ELSE 'delivered' END,
       true, at, at, at + interval '2 seconds', at + make_interval(secs => 5 + n), at + interval '9 hours', 40000 * n,
       CASE WHEN n % 9 = 0 THEN 'Three files were kept as they were, because something stands in their place.' END
     FROM (SELECT p.*, sealed_at + interval '1 hour' AS at, row_number() OVER (ORDER BY sealed_at, id) AS n FROM restore_point p
       WHERE customer_id = $1) p WHERE n % 3 = 0`,
    [id],
  );
  await database.query(
    `INSERT INTO device_inventory (tenant_id, device_id, customer_id, received_at, volumes, databases)
     SELECT tenant_id, id, customer_id, now(), $2, $3 FROM device WHERE customer_id = $1 AND name = 'archive-1'`,
    [
      id,
      JSON.stringify([{ mountPoint: '/very-old-archive', fileSystem: 'xfs', usedBytes: 4e12, sizeBytes: 8e12 }]),
      JSON.stringify([
        {
          kind: 'postgres',
          socket: '/run/postgresql',
          port: 5432,
          dataFolder: '/var/lib/postgresql/17/main',
          container: null,
        },
      ]),
    ],
  );
  return id;
}

async function removePlanted(): Promise<void> {
  const ids = `(SELECT id FROM customer WHERE name = '${NAME}')`;
  await database.query('UPDATE tenant SET excuses_need_two = false');
  // The service works on what was planted meanwhile, so that what points at a row goes before it.
  await database.query(
    `UPDATE expected_occurrence SET excuse_id = NULL, unexcused_outcome = NULL WHERE customer_id IN ${ids}`,
  );
  for (const table of [
    ...[
      'sla_amendment',
      'sla_excuse',
      'sla_dirty',
      'sla_contract_version',
      'customer_day',
      'customer_month',
      'source_month',
      'usage_day',
      'usage_month',
      'month_report',
    ],
    ...[
      'job_intent',
      'external_ticket',
      'notification_delivery',
      'notification',
      'alert_event',
      'alert',
      'policy_baseline',
      'device_summary',
      'device_watch',
      'device_dirty',
      'verification',
      'restore_request',
      'device_inventory',
      'coverage_exclusion',
      'drill',
      'restore_point',
      'run_manifest',
      'backup_run',
      'expected_occurrence',
    ],
    ...['agent_command', 'vault_check', 'stored_object', 'vault', 'source', 'device_state', 'device', 'policy'],
  ])
    await database.query(`DELETE FROM ${table} WHERE customer_id IN ${ids}`);
  await database.query(`DELETE FROM customer WHERE name = '${NAME}'`);
}

/** The months follow the rows by jobs: the page is opened again until they have. */
async function openMonth(page: Page, path: string, text: string | RegExp): Promise<void> {
  await expect(async () => {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1 })).toContainText(text, { timeout: 2000 });
  }).toPass({ timeout: 150_000 });
}

const DAY_MS = 24 * 3_600_000;
const monthOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 7);
/** The one in which backups were missed; early in a month that is the month before. */
const month = monthOf(Date.now() - 9.5 * DAY_MS);
const present = monthOf(Date.now());
const monthAfter = monthOf(Date.parse(`${month}-01T00:00:00Z`) + 32 * DAY_MS);

test('staff see every customer’s month, open one, and every figure leads to its rows', async ({ page }) => {
  test.setTimeout(150_000);
  await signInAs(page, 'hanna');
  await openMonth(page, `/customers/${customerId}/sla?month=${month}`, 'data was recoverable within the target for');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Service level' }).click();
  await expect(page).toHaveURL('/sla');
  await page.goto(`/sla?month=${month}`);
  const customers = page.getByRole('table', { name: /Customers in this month/ });
  await expect(customers.getByRole('row').filter({ hasText: NAME })).toContainText('none');
  await customers.getByRole('link', { name: NAME }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('On archive-1, the worst of 2 sources');
  await expect(page.getByText('There is no contract')).toBeVisible();
  const breach = page.locator('section').filter({ hasText: 'When the data was too old' });
  await expect(breach).toContainText('No backup began before the window closed.');
  await expect(breach).toContainText('The next usable backup ended it.');
  await page.getByRole('link', { name: /missed or failed of/ }).click();
  const expected = page.getByRole('table', { name: 'Expected backups' });
  await expect(expected).toContainText('missed');
  await expect(expected).not.toContainText('on time');
  await page.goBack();
  await page
    .locator('section')
    .filter({ hasText: 'Day by day' })
    .getByRole('link', { name: /1 missed|2 late/ })
    .first()
    .click();
  await expect(page).toHaveURL(/day=/);
  await expect(page.getByRole('table', { name: 'Expected backups' }).getByRole('row')).toHaveCount(3);
  await page.goto(`/customers/${customerId}/sla?month=${month}`);
  await page.getByRole('link', { name: /, Nobody was told: what it is made of/ }).click();
  const breaches = page.getByRole('table', { name: 'Breaches and their alerts' });
  await expect(breaches).toContainText('never');
  await breaches.getByRole('link', { name: 'rows of archive-1' }).first().click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('The rows of archive-1');
  for (const path of ['sla', 'sla/service'])
    expect((await page.goto(`/customers/0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee/${path}`))?.status()).toBe(404);
});

test('a contract is tried on a month before it is written, and written in versions with a reason', async ({ page }) => {
  test.setTimeout(150_000);
  await signInAs(page, 'tomas');
  await openMonth(page, `/customers/${customerId}/contract`, 'Nothing is promised');
  await page.getByLabel('Data at most this old').fill('6');
  await page.getByRole('button', { name: 'What would have been?' }).click();
  const tried = page.getByRole('table', { name: /would have been/ });
  await expect(tried.getByRole('row').filter({ hasText: 'Time within the target, worst source' })).toBeVisible();
  await page.getByLabel('Data at most this old').fill('30');
  await expect(tried).toHaveCount(0);
  await page.getByLabel('Valid from').fill(`${present}-01`);
  await page.getByRole('button', { name: 'Add a step' }).click();
  await page.getByRole('textbox', { name: 'Why' }).fill('Agreed with the museum in writing.');
  await page.getByRole('button', { name: 'Write version 1' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Version 1 holds since');
  await expect(page.getByText('Tomas Reyes,')).toContainText('Agreed with the museum in writing.');
  await page.getByLabel('Valid from').fill('2020-01-01');
  await page.getByRole('textbox', { name: 'Why' }).fill('Backdated.');
  await page.getByRole('button', { name: 'Write version 2' }).click();
  await expect(page.getByText('from the first day of this month at the earliest')).toBeVisible();
  await expect(async () => {
    await page.goto(`/customers/${customerId}/sla`);
    await expect(page.getByRole('table', { name: /promised and what was attained/ })).toContainText('Standard', {
      timeout: 2000,
    });
  }).toPass({ timeout: 150_000 });
  await expect(page.getByText('There is no contract')).toHaveCount(0);
});

test('time is excused by two people where the owner wants it, with both names, and counts again when it is withdrawn', async ({
  page,
  browser,
}) => {
  await signInAs(page, 'hanna');
  await page.goto(`/customers/${customerId}/contract`);
  await page.getByRole('switch', { name: 'It takes two people to excuse time' }).click();
  await expect(page.getByRole('switch')).toBeChecked();
  await openMonth(page, `/customers/${customerId}/sla?month=${month}`, 'recoverable');
  await page.getByRole('button', { name: 'Excuse time…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('From').fill(`${month}-01T00:00`);
  await dialog.getByLabel('Until').fill(`${monthAfter}-01T00:00`);
  await dialog.getByLabel('Why').fill('The museum moved house.');
  await dialog.getByRole('button', { name: 'Excuse the time' }).click();
  await expect(page.getByText('Asked for by Hanna Berg, not decided yet.')).toBeVisible();
  await page.getByRole('button', { name: 'Approve…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Approve', exact: true }).click();
  await expect(page.getByText('Somebody else has to approve what you asked for yourself.')).toBeVisible();
  const other = await openAs(browser, 'tomas');
  await other.goto(`/customers/${customerId}/sla?month=${month}`);
  await other.getByRole('button', { name: 'Approve…' }).click();
  await other.getByRole('dialog').getByRole('button', { name: 'Approve', exact: true }).click();
  await expect(other.getByText('Asked for by Hanna Berg, approved by Tomas Reyes.')).toBeVisible();
  await expect(async () => {
    await other.reload();
    await expect(other.locator('section').filter({ hasText: 'When the data was too old' })).toContainText(
      /Never in this month/,
      { timeout: 2000 },
    );
  }).toPass({ timeout: 150_000 });
  await other.getByRole('button', { name: 'Withdraw…' }).click();
  await other.getByRole('dialog').getByLabel('Why').fill('It was a week later.');
  await other.getByRole('dialog').getByRole('button', { name: 'Withdraw it' }).click();
  await expect(other.getByText('withdrawn by Tomas Reyes: It was a week later.')).toBeVisible();
});

test('a customer reads their own month and nothing of another’s, and changes nothing', async ({ page }) => {
  await signInAs(page, 'maja');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Service level' }).click();
  await expect(page).toHaveURL('/sla');
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/recoverable|Nothing was measured/);
  await expect(page.getByRole('button', { name: /Excuse|Approve|Withdraw|Compute/ })).toHaveCount(0);
  expect(await page.content()).not.toContain(NAME);
  for (const path of ['sla', 'sla/rows', 'sla/restores', 'inventory', 'contract'])
    expect((await page.goto(`/customers/${customerId}/${path}`))?.status(), path).toBe(404);
  const { rows } = await database.query<{ id: string }>(`SELECT id FROM customer WHERE name = 'Lindqvist Dental'`);
  expect((await page.goto(`/customers/${rows[0]!.id}/contract`))?.status()).toBe(404);
  await page.goto(`/customers/${rows[0]!.id}/sla/rows`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('The rows behind the figures');
});

test('what is not backed up is left out by somebody with a reason, and counts again when it is taken back', async ({
  page,
}) => {
  await signInAs(page, 'hanna');
  await page.goto(`/customers/${customerId}/inventory`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('2 things on the machines are not backed up');
  const volume = page.getByRole('row').filter({ hasText: 'The volume /very-old-archive' });
  await volume.getByRole('button', { name: 'Leave out…' }).click();
  await page.getByLabel('Why it need not be backed up').fill('It lies on tape as well.');
  await page.getByRole('button', { name: 'Leave it out' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('1 thing on the machines is not backed up');
  const decided = page.getByRole('row').filter({ hasText: 'It lies on tape as well.' });
  await expect(decided).toContainText('Hanna');
  await decided.getByRole('button', { name: 'Take back' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('2 things');
});

test('restores that were asked for are listed with what came of them, and leave as a table', async ({ page }) => {
  await signInAs(page, 'hanna');
  await page.goto(`/customers/${customerId}/sla/restores?month=${month}`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/\d+ of \d+ restores were delivered/);
  await expect(page.getByText('because something stands in their place').first()).toBeVisible();
  const csv = await page.request.get(`/api/customers/${customerId}/report?month=${month}&table=restores`);
  expect(await csv.text()).toContain('archive-1');
});

for (const { name, use } of APPEARANCES)
  test.describe(name, () => {
    test.use(use);
    test('every screen of the service level is accessible and fits', async ({ page, browser }, info) => {
      await signInAs(page, 'hanna');
      await openMonth(page, `/customers/${customerId}/sla?month=${month}`, 'recoverable');
      for (const [shot, path] of [
        ['fleet', '/sla'],
        ['month', `/customers/${customerId}/sla?month=${month}`],
        ['home', `/customers/${customerId}`],
        ['rows', `/customers/${customerId}/sla/rows?month=${month}`],
        ['service', `/customers/${customerId}/sla/service?month=${month}`],
        ['restores', `/customers/${customerId}/sla/restores?month=${month}`],
        ['inventory', `/customers/${customerId}/inventory`],
        ['contract', `/customers/${customerId}/contract`],
      ] as const) {
        await page.goto(path);
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
        if (shot === 'month') await expect(page.locator('.recharts-bar-rectangle').first()).toBeVisible();
        await shoot(page, info, shot);
        await expectFits(page);
      }
      await page.goto(`/customers/${customerId}/sla`);
      await page.getByRole('button', { name: 'Excuse time…' }).click();
      await expect(page.getByRole('dialog').getByLabel('Why')).toBeVisible();
      await expectFits(page);
      const mine = await openAs(browser, 'maja', use);
      await mine.goto('/sla');
      await expect(mine.getByRole('heading', { level: 1 })).toBeVisible();
      await expectFits(mine);
    });
  });
