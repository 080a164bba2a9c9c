import { readFile } from 'node:fs/promises';
import { expect, type Page, test } from '@playwright/test';
import type pg from 'pg';
import { connectToService } from '../support/e2e-database.ts';
import { expectFits } from './expect-fits.ts';
import { openAs, signInAs } from './sign-in-as.ts';
import { shoot } from './shoot.ts';

let database: pg.Client;

test.beforeAll(async () => {
  database = await connectToService();
});
test.afterAll(async () => {
  await removePlanted();
  await database.end();
});

const SEED = 'planted-by-a-test';

interface Planted {
  level: number;
  state: 'running' | 'passed' | 'failed';
  hoursAgo: number;
  checks?: object[];
  steps?: object[];
  warnings?: string[];
  message?: string;
  scope?: 'sample' | 'full';
}

const look = (kind: string, state: string, more: object = {}): object => ({
  ...{ kind, name: `The look at ${kind}`, subject: 'shop', state, expected: null, actual: null, output: '', ms: 12 },
  ...more,
});

/** A drill of the real device and its real restore point: states that a small folder without databases cannot have. */
async function plant(drill: Planted): Promise<string> {
  const { level, state, hoursAgo, checks = [], steps = [], warnings = [], message = null, scope = 'sample' } = drill;
  const { rows } = await database.query<{ id: string }>(
    `INSERT INTO drill (tenant_id, id, customer_id, device_id, source_id, vault_id, restore_point_id, level, trigger, state, seed,
       files_planned, files_done, files_matched, bytes_planned, bytes_done, checks, steps, warnings, scope, error_message, timings,
       rto_estimated_ms, newest_business_at, created_at, started_at, finished_at)
     SELECT tenant_id, gen_random_uuid(), customer_id, device_id, source_id, vault_id, id, $1, 'schedule', $2, $3,
       9, 9, 9, 90000, 90000, $4, $5, $6, $7, $8, '{"queue": 4000, "locate": 700, "transfer": 5200, "checks": 1300, "total": 9000}',
       240000, capture_at - interval '30 hours', now() - $9::interval, now() - $9::interval,
       CASE WHEN $2 = 'running' THEN NULL ELSE now() - $9::interval + interval '9 seconds' END
     FROM restore_point ORDER BY capture_at DESC LIMIT 1 RETURNING id`,
    [
      ...[level, state, SEED, JSON.stringify(checks), JSON.stringify(steps), JSON.stringify(warnings), scope, message],
      `${hoursAgo} hours`,
    ],
  );
  return rows[0]?.id ?? '';
}

/** Evidence that was appended is kept, and with it the drill that it names; those drills are no longer of this source's past. */
async function removePlanted(): Promise<void> {
  await database.query(
    `DELETE FROM drill WHERE seed = $1 AND NOT EXISTS (SELECT FROM evidence_record r WHERE r.drill_id = drill.id)`,
    [SEED],
  );
  await database.query(`UPDATE policy SET document = document - 'moreDrills'`);
}

async function askForLevel4(): Promise<void> {
  await database.query(
    `UPDATE policy SET document = jsonb_set(document, '{moreDrills}',
       '[{"level": 4, "everyHours": 720, "sampleFiles": 50, "hours": {"from": "02:00", "until": "03:00"}}]')`,
  );
}

const matrix = (page: Page) => page.getByRole('table', { name: /Restore tests by source and level/ });

test.beforeEach(removePlanted);

test('the real drill stands in the matrix, the calendar and the history, and the search leads there', async ({
  page,
}) => {
  await signInAs(page, 'hanna');
  await page.keyboard.press('Control+K');
  await page.getByPlaceholder('Device, customer or page').fill('drills');
  await expect(page.locator('[data-action]').filter({ hasText: 'Drills' })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/drills');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('The restore is proven');
  await expect(matrix(page).getByRole('row').filter({ hasText: 'Lindqvist Dental' })).toBeVisible();
  const row = matrix(page)
    .getByRole('row')
    .filter({ has: page.getByRole('button', { name: /Test a restore/ }) });
  await expect(row.getByRole('cell').nth(0)).toContainText(/Proven.*(ago|just now), every 24 h/);
  await expect(row.getByRole('cell').nth(1)).toContainText('not asked for');
  await expect(page.getByText('No failure stands')).toBeVisible();
  const days = page.locator('section').filter({ hasText: 'The next 28 days' }).locator('ol > li');
  await expect(days).toHaveCount(28);
  // A daily plan has an entry on nearly every day of the next weeks.
  expect(await days.filter({ hasText: 'level 3' }).count()).toBeGreaterThanOrEqual(26);
  await row.getByRole('cell').nth(0).getByRole('link').click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('The restore works');
});

test('a level that is asked for and was never reached is seen, and a shallower pass does not hide it', async ({
  page,
}) => {
  await askForLevel4();
  await signInAs(page, 'hanna');
  await page.goto('/drills');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('1 source never reached the depth');
  const row = matrix(page)
    .getByRole('row')
    .filter({ has: page.getByRole('button', { name: /Test a restore/ }) });
  await expect(row.getByRole('cell').nth(0)).toContainText('Proven');
  await expect(row.getByRole('cell').nth(1)).toContainText(/Never reached.*every 30 days/);
  await expect(row.getByRole('cell').nth(2)).toContainText('not asked for');
  // A drill that was asked for level 4 and had nothing to open has reached level 3.
  await plant({
    level: 4,
    state: 'passed',
    hoursAgo: 1,
    checks: [look('witness', 'passed'), look('restore', 'skipped')],
  });
  await page.reload();
  await expect(row.getByRole('cell').nth(1)).toContainText('Never reached');
  await plant({
    level: 4,
    state: 'passed',
    hoursAgo: 1,
    checks: [look('witness', 'passed'), look('restore', 'passed')],
  });
  await page.reload();
  await expect(row.getByRole('cell').nth(1)).toContainText('Proven');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('The restore is proven');
});

test('a failure stands with its cause and what to do until a drill has looked as deep again', async ({ page }) => {
  await askForLevel4();
  const failed = await plant({
    ...{ level: 4, state: 'failed', hoursAgo: 5, message: 'The restored database holds far fewer rows.' },
    checks: [
      look('witness', 'passed'),
      look('row_count', 'failed', {
        name: 'Rows of orders',
        expected: '120,417',
        actual: '11,904',
        output: 'Most are gone.',
      }),
      look('freshness', 'warning'),
    ],
    warnings: ['The restoring program was not cut off from the network.'],
  });
  await signInAs(page, 'hanna');
  await page.goto('/drills');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('1 source failed its last restore test');
  const row = matrix(page)
    .getByRole('row')
    .filter({ has: page.getByRole('button', { name: /Test a restore/ }) });
  await expect(row.getByRole('cell').nth(0)).toContainText('Proven');
  await expect(row.getByRole('cell').nth(1)).toContainText('Failed');
  await expect(page.getByText('The restored database holds far fewer rows.')).toBeVisible();
  await expect(page.getByText('Ask who runs the application')).toBeVisible();
  // A later drill that found no database at all must not take the failure back; one that opened it does.
  await plant({
    level: 4,
    state: 'passed',
    hoursAgo: 2,
    checks: [look('witness', 'passed'), look('restore', 'skipped')],
  });
  await page.reload();
  await expect(row.getByRole('cell').nth(1)).toContainText('Failed');

  await row.getByRole('cell').nth(1).getByRole('link').click();
  await expect(page).toHaveURL(`/drills/${failed}`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('one look at what is in them failed');
  const looks = page.locator('section').filter({ hasText: 'What was looked at' }).getByRole('listitem');
  await expect(looks.first()).toContainText(/Rows of orders.*Failed/);
  await expect(looks.first()).toContainText('120,417');
  await expect(looks.first()).toContainText('11,904');
  await expect(looks.first().getByText('Most are gone.')).toBeVisible();
  await expect(page.getByText('not cut off from the network')).toBeVisible();
  const times = page.locator('section').filter({ hasText: 'Time by part' });
  await expect(times).toContainText(/The work itself7\.2 s/);
  await expect(times).toContainText(/Together, with the wait11\.2 s/);
  await expect(times).toContainText(/estimated.*about 4 min/);
  await expect(page.getByText('Newest entry in the data')).toBeVisible();

  await plant({
    level: 4,
    state: 'passed',
    hoursAgo: 1,
    checks: [look('witness', 'passed'), look('restore', 'passed')],
  });
  await page.goto('/drills');
  await expect(row.getByRole('cell').nth(1)).toContainText('Proven');
  await expect(page.getByText('No failure stands')).toBeVisible();
});

test('what runs is shown with its steps, and the page needs no reload to see it end', async ({ page }) => {
  const id = await plant({
    ...{ level: 3, state: 'running', hoursAgo: 0 },
    steps: [
      { name: 'Open the vault', state: 'done', startedMs: 1, finishedMs: 900 },
      { name: 'Restore into an empty folder', state: 'running', startedMs: 900, finishedMs: null },
    ],
  });
  await signInAs(page, 'tomas');
  await page.goto('/drills');
  const steps = page.getByRole('list', { name: /Steps of the test of/ });
  await expect(steps.getByRole('listitem').nth(0)).toContainText('Open the vault (done)');
  await expect(steps.getByRole('listitem').nth(1)).toContainText('(running)');
  await database.query('DELETE FROM drill WHERE id = $1', [id]);
  await expect(page.getByText('No restore is tested at this moment')).toBeVisible();
});

test('the history is filtered by what stands in the address', async ({ page }) => {
  await plant({ level: 4, state: 'failed', hoursAgo: 3, message: 'It did not open.' });
  await signInAs(page, 'hanna');
  const history = page.getByRole('table', { name: 'Restore tests, the newest first' });
  await page.goto('/drills?result=failed&level=4');
  await expect(history.getByRole('row')).toHaveCount(2);
  await expect(history.getByRole('row').nth(1)).toContainText(/Failed.*4, a sample/);
  await page.goto('/drills?result=void');
  await expect(page.getByText('No test matches this filter')).toBeVisible();
  await page.goto('/drills?result=nonsense&level=nonsense&page=x');
  await expect(history.getByRole('row').nth(1)).toBeVisible();
  await page.getByLabel('Device or customer').fill('no such device');
  await expect(page).toHaveURL(/text=no\+such\+device/);
  await expect(page.getByText('No source matches this filter')).toBeVisible();
});

test('a whole restore is tested from the page, accepted by a person, and its evidence taken away', async ({ page }) => {
  await signInAs(page, 'tomas');
  await page.goto('/drills');
  await page.getByRole('button', { name: /Test a restore of/ }).click();
  await page.getByLabel('Everything').check();
  await page.getByRole('button', { name: 'Test the restore' }).click();
  await expect(page).toHaveURL(/\/drills\/[0-9a-f-]{36}$/);
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/The restore works: all \d+ files came back/, {
    timeout: 60_000,
  });
  await expect(page.getByText('Measured on everything in the restore point.')).toBeVisible();
  await page.getByRole('button', { name: 'Accept…' }).click();
  await page.getByLabel('A remark, if there is one').fill('Looked at it.');
  await page.getByRole('button', { name: 'Accept', exact: true }).click();
  await expect(page.getByText(/Tomas Reyes, /).last()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Accept…' })).toHaveCount(0);
  const evidence = page.locator('#evidence');
  await expect(evidence.getByText('Accepted by a person')).toBeVisible();
  const download = page.waitForEvent('download');
  await evidence.getByRole('link', { name: 'Download' }).click();
  const text = await readFile(await (await download).path(), 'utf8');
  expect(text).toContain('holdfast-evidence');
  await expect(evidence.getByRole('link', { name: 'Check a file offline' })).toHaveAttribute('href', '/verify');
});

test('a verdict is withdrawn with a reason, and without one it is not', async ({ page }) => {
  await signInAs(page, 'hanna');
  await page.goto('/drills');
  await page.getByRole('button', { name: /Test a restore of/ }).click();
  await page.getByRole('button', { name: 'Test the restore' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('The restore works', { timeout: 60_000 });
  await page.getByRole('button', { name: 'Withdraw…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Why').fill('   ');
  await dialog.getByRole('button', { name: 'Withdraw the verdict' }).click();
  await expect(dialog.getByText('Say why, in a few words')).toBeVisible();
  await dialog.getByLabel('Why').fill('The wrong machine was tested.');
  await dialog.getByRole('button', { name: 'Withdraw the verdict' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('withdrawn by a person');
  await expect(page.getByText('The wrong machine was tested.').first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Withdraw…' })).toHaveCount(0);
});

test('a customer reads their own proof in plain words and takes the evidence away; what was never tested is not proven', async ({
  page,
  browser,
}) => {
  await signInAs(page, 'maja');
  // One that was asked to open something and found nothing to open is not said to have opened it.
  await plant({
    level: 4,
    state: 'passed',
    hoursAgo: 0.01,
    checks: [look('witness', 'passed'), look('restore', 'skipped')],
  });
  await page.getByRole('link', { name: 'Proof' }).click();
  await expect(page).toHaveURL('/proof');
  const tests = page.getByRole('table', { name: /Recovery tests/ });
  await expect(tests).toContainText('Recovered (files compared)');
  await expect(tests).not.toContainText('Recovered (opened)');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Your system was recovered in a test');
  await expect(page.getByText(/files? \(.*\) came back in/)).toBeVisible();
  await expect(page.getByText('compared, byte by byte').first()).toBeVisible();
  await expect(tests).toContainText('Passed');
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Everything so far' }).click();
  expect(await readFile(await (await download).path(), 'utf8')).toContain('Lindqvist Dental');
  // What only staff do is not here.
  await page.getByRole('link', { name: 'See this test' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('The restore works');
  await expect(page.getByRole('button', { name: /Accept|Withdraw|remedy/ })).toHaveCount(0);
  expect((await page.goto('/drills'))?.status()).toBe(404);

  const other = await openAs(browser, 'sam');
  await other.goto('/proof');
  await expect(other.getByRole('heading', { level: 1 })).toContainText('nothing could be tested');
  expect(await other.content()).not.toContain('Lindqvist');
});

test('a system whose recovery was never tested is said to be not yet proven, to its customer too', async ({ page }) => {
  // A second source of the real device, of which there is no drill.
  await database.query(
    `INSERT INTO source (tenant_id, id, customer_id, device_id, kind, name)
     SELECT tenant_id, gen_random_uuid(), customer_id, device_id, kind, $1 FROM source LIMIT 1`,
    [SEED],
  );
  try {
    await signInAs(page, 'maja');
    await page.goto('/proof');
    await expect(page.getByText('Not yet proven', { exact: true })).toBeVisible();
    await expect(page.getByRole('heading', { level: 1 })).toContainText('1 of your 2 systems is proven');
  } finally {
    // The service has planned backups of it by now.
    for (const table of ['sla_dirty', 'expected_occurrence', 'source_month'])
      await database.query(`DELETE FROM ${table} WHERE source_id IN (SELECT id FROM source WHERE name = $1)`, [SEED]);
    await database.query('DELETE FROM source WHERE name = $1', [SEED]);
  }
});

for (const [name, viewport] of [
  ['wide', { width: 1440, height: 900 }],
  ['narrow', { width: 360, height: 780 }],
] as const)
  for (const colorScheme of ['light', 'dark'] as const)
    test.describe(`${name}, ${colorScheme}`, () => {
      test.use({ viewport, colorScheme });
      test('with failures and drills under way every screen is accessible and fits', async ({
        page,
        browser,
      }, info) => {
        await askForLevel4();
        const failed = await plant({
          ...{ level: 4, state: 'failed', hoursAgo: 5, message: 'The restored database holds far fewer rows.' },
          checks: [look('witness', 'passed'), look('row_count', 'failed', { output: 'x'.repeat(400) })],
          warnings: ['The restoring program was not cut off from the network.'],
        });
        await plant({ level: 3, state: 'running', hoursAgo: 0, steps: [{ name: 'Open the vault', state: 'running' }] });
        await signInAs(page, 'hanna');
        for (const path of ['/drills', `/drills/${failed}`]) {
          await page.goto(path);
          await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
          await shoot(page, info, path === '/drills' ? 'drills' : 'drill');
          await expectFits(page);
        }
        await page.getByRole('button', { name: 'Withdraw…' }).click();
        await expect(page.getByRole('dialog').getByLabel('Why')).toBeVisible();
        await expectFits(page);
        await page.goto('/drills');
        await page.getByRole('button', { name: /Test a restore of/ }).click();
        await expect(page.getByRole('dialog').getByText('How deep')).toBeVisible();
        await expectFits(page);
        for (const who of ['maja', 'sam'] as const) {
          const proof = await openAs(browser, who, { colorScheme, viewport });
          await proof.goto('/proof');
          await expect(proof.getByRole('heading', { level: 1 })).toBeVisible();
          await expectFits(proof);
        }
      });
    });
