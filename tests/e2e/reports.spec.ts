import { expect, test } from '@playwright/test';
import type pg from 'pg';
import { connectToService } from '../support/e2e-database.ts';
import { APPEARANCES, expectFits } from './expect-fits.ts';
import { openAs, signInAs } from './sign-in-as.ts';
import { shoot } from './shoot.ts';
import { runSweep } from '../support/run-sweep.ts';

/** A customer of its own, whose months are long closed. Their figures are written, for a day-old service has no such rows. */
const NAME = 'Planted Bakery & <Sons>';
const MONTH = '2026-02';
/** What another customer stored in the same month. */
const OTHERS_BYTES = 7_654_321_098;
let database: pg.Client;
let customerId: string;

test.beforeAll(async () => {
  database = await connectToService();
  await removePlanted();
  customerId = await plant();
});
test.afterAll(async () => {
  await removePlanted();
  await database.end();
});

async function plant(): Promise<string> {
  const { rows } = await database.query<{ id: string }>(
    `INSERT INTO customer (tenant_id, id, name, timezone, created_at)
     SELECT id, gen_random_uuid(), $1, 'Europe/Stockholm', '2026-01-01' FROM tenant WHERE slug NOT LIKE 'seed-%' LIMIT 1 RETURNING id`,
    [NAME],
  );
  const id = rows[0]!.id;
  const none = { met: 0, of: 0, share: null };
  const figures = {
    ...{ sources: 1, attainment: 0.9987, belowTarget: 1, worst: null, peak: null, quantileMs: null, expected: 28 },
    ...{ counts: { ok: 27, late: 0, partial: 0, failed: 0, missed: 1, stuck: 0, excused: 0 }, acceptedPartial: 0 },
    ...{
      schedule: { counted: 28, success: 27 / 28, onTime: 27 / 28, missed: 1 / 28 },
      restorePoints: 27,
      excusedMs: 0,
    },
    ...{ drills: { passed: 0, failed: 0, void: 0 }, drilled: { met: 0, of: 1, share: 0 } },
    ...{ rto: { ...none, estimated: 0, unproven: 1, longestElapsedMs: null, longestTechnicalMs: null } },
    ...{ tiers: [], credit: 0, versions: [null] },
  };
  await database.query(
    `INSERT INTO customer_month (tenant_id, customer_id, month, window_end, figures, attainment, worst_share, sources, below_target,
       readiness, credit, computed_at, frozen, frozen_at)
     SELECT tenant_id, id, $2, '2026-02-28T23:00:00Z', $3, 0.9987, 0.9987, 1, 1, 88, 0, '2026-03-02', $3, now() - interval '1 hour'
     FROM customer WHERE id = $1`,
    [id, MONTH, JSON.stringify(figures)],
  );
  for (const [day, stored] of [
    ['2026-01-30', 1_000_000_000],
    ['2026-02-10', 1_500_000_000],
  ] as const)
    await database.query(
      `INSERT INTO usage_day (tenant_id, customer_id, day, protected_bytes, stored_bytes, devices, drills, measured_at)
       SELECT tenant_id, id, $2, 2000000000, $3, 1, 0, now() FROM customer WHERE id = $1`,
      [id, day, stored],
    );
  await database.query(
    `INSERT INTO usage_day (tenant_id, customer_id, day, protected_bytes, stored_bytes, devices, drills, measured_at)
     SELECT tenant_id, id, '2026-02-10', 0, $2, 1, 0, now() FROM customer
     WHERE id <> $1 AND tenant_id = (SELECT tenant_id FROM customer WHERE id = $1) LIMIT 1`,
    [id, OTHERS_BYTES],
  );
  return id;
}

async function removePlanted(): Promise<void> {
  const ids = `(SELECT id FROM customer WHERE name = '${NAME}')`;
  for (const table of ['month_report', 'report_brand', 'usage_day', 'usage_month', 'customer_day', 'customer_month'])
    await database.query(`DELETE FROM ${table} WHERE customer_id IN ${ids}`);
  await database.query('DELETE FROM usage_day WHERE stored_bytes = $1', [OTHERS_BYTES]);
  await database.query(`DELETE FROM job_intent WHERE customer_id IN ${ids}`);
  await database.query(`DELETE FROM customer WHERE name = '${NAME}'`);
}

test('a closed month becomes paper that staff approve, once', async ({ page }) => {
  test.setTimeout(150_000);
  // The next housekeeping would order it, within ten minutes; this one does it now.
  await runSweep(database, 'housekeeping');
  await signInAs(page, 'hanna');
  const row = page
    .getByRole('table', { name: /Reports of February 2026/ })
    .getByRole('row')
    .filter({ hasText: NAME });
  await expect(async () => {
    await page.goto(`/reports?month=${MONTH}`);
    await expect(row).toContainText('Waits for approval', { timeout: 2000 });
  }).toPass({ timeout: 120_000 });
  const file = await page.request.get((await row.getByRole('link', { name: /PDF/ }).getAttribute('href')) ?? '');
  expect(file.status()).toBe(200);
  expect((await file.body()).subarray(0, 5).toString()).toBe('%PDF-');
  await row.getByRole('button', { name: /Approve/ }).click();
  await expect(row).toContainText('Approved');
  await expect(row).toContainText('No mail address');
  await expect(row.getByRole('button')).toHaveCount(0);
});

test('the report is a page with its tables, and no name of it is markup', async ({ page }) => {
  await signInAs(page, 'hanna');
  await page.goto(`/customers/${customerId}/report?month=${MONTH}`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('February 2026');
  await expect(page.getByText(NAME, { exact: false }).first()).toBeVisible();
  await expect(page.getByText('27 of 28 expected')).toBeVisible();
  const csv = await page.request.get(`/api/customers/${customerId}/report?month=${MONTH}&table=figures`);
  expect(await csv.text()).toContain('Backups made,96.4 %');
  const json = (await (await page.request.get(`/api/customers/${customerId}/report?month=${MONTH}`)).json()) as {
    customer: string;
  };
  expect(json.customer).toBe(NAME);
  const pack = await page.request.get(`/api/customers/${customerId}/pack?month=${MONTH}`);
  expect((await pack.body()).subarray(0, 2).toString()).toBe('PK');
  expect((await page.request.get(`/api/customers/${customerId}/report?month=2026-13`)).status()).toBe(400);
});

test('usage is shown against the month before, for all and for one', async ({ page }) => {
  await signInAs(page, 'tomas');
  await page.goto('/usage?month=2026-02');
  const row = page
    .getByRole('table', { name: /Usage of customers/ })
    .getByRole('row')
    .filter({ hasText: NAME });
  await expect(row).toContainText('1.50 GB');
  await expect(row).toContainText('50 % more');
  await row.getByRole('link').click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('1.50 GB stored for 1 device');
  const own = await page.getByRole('link', { name: 'CSV' }).getAttribute('href');
  const csvOf = async (path: string): Promise<string> => await (await page.request.get(path)).text();
  for (const path of ['/api/usage?month=2026-02&format=csv', own!]) expect(await csvOf(path)).toContain('1500000000');
  expect(await csvOf('/api/usage?month=2026-02&format=csv')).toContain(String(OTHERS_BYTES));
  expect(await csvOf(own!)).not.toContain(String(OTHERS_BYTES));
});

test('an owner chooses a look; a pale colour and a program that says it is a picture are refused', async ({ page }) => {
  await signInAs(page, 'hanna');
  await page.goto(`/settings/reports?customer=${customerId}`);
  await page.getByLabel('Name').fill('Bakers’ own IT');
  await page.getByLabel('Colour', { exact: true }).fill('#fff9c4');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('too pale')).toBeVisible();
  await page.getByLabel('Colour', { exact: true }).fill('#0f5e4d');
  await page.locator('input[type=file]').setInputFiles({
    ...{ name: 'logo.png', mimeType: 'image/png', buffer: Buffer.from('<svg><script>1</script></svg>') },
  });
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('A logo is a PNG or a JPEG file.')).toBeVisible();
  await page.getByRole('button', { name: 'Without a logo' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('have a look of their own');
  await page.getByRole('button', { name: 'Look like all others' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('look like those of all your customers');
});

test('a customer sees its own reports and usage, and nothing of another', async ({ browser }) => {
  const page = await openAs(browser, 'sam');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Reports' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/report/);
  await page.goto('/usage?month=2026-02');
  expect(await page.content()).not.toContain('Planted');
  expect((await page.goto(`/customers/${customerId}/report?month=${MONTH}`))?.status()).toBe(404);
  for (const path of ['report', 'pack'])
    expect((await page.request.get(`/api/customers/${customerId}/${path}?month=${MONTH}`)).status()).toBe(404);
  expect((await page.request.get(`/api/reports/summary?month=${MONTH}`)).status()).toBe(403);
});

for (const { name, use } of APPEARANCES)
  test.describe(name, () => {
    test.use(use);
    test('the pages are accessible and fit', async ({ page }, info) => {
      test.setTimeout(120_000);
      await signInAs(page, 'hanna');
      for (const [at, path] of [
        `/reports?month=${MONTH}`,
        `/reports/summary?month=${MONTH}`,
        `/customers/${customerId}/report?month=${MONTH}`,
        `/usage?month=${MONTH}`,
        '/settings/reports',
      ].entries()) {
        await page.goto(path);
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
        await shoot(page, info, `${at}`);
        await expectFits(page);
      }
    });
  });
