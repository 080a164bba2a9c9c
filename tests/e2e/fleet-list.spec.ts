/** The list with many devices: the seed of a bad Monday, as its owner. */
import { expect, type Page, test } from '@playwright/test';
import { seedBesideService } from '../support/seeded-fleet.ts';
import type { SignIn } from '../support/start-service.ts';
import { expectFits } from './expect-fits.ts';
import { fillSignIn } from './sign-in-as.ts';
import { shoot } from './shoot.ts';

let owner: SignIn;
let cookies: Awaited<ReturnType<ReturnType<Page['context']>['cookies']>> | undefined;

test.beforeAll(async () => {
  owner = await seedBesideService('monday', ['--days', '30']);
});
test.beforeEach(async ({ page }) => {
  if (cookies !== undefined) {
    await page.context().addCookies(cookies);
    await page.goto('/fleet');
    return;
  }
  await page.goto('/sign-in');
  await fillSignIn(page, owner.email, owner.password);
  await expect(page).toHaveURL(/\/today$/);
  cookies = await page.context().cookies();
  await page.goto('/fleet');
});

const field = (page: Page) => page.getByLabel('Filter', { exact: true });
const devices = (page: Page) => page.locator('tr[data-index]');
const total = (page: Page) =>
  page
    .locator('main')
    .getByRole('status')
    .filter({ hasText: /devices?$/ });

test('the sentence names the worst, and of many devices only those on the screen are drawn', async ({ page }) => {
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/\d+ devices need you\. First/);
  await expect(total(page)).toHaveText('240 devices');
  await expect(page.getByRole('table')).toHaveAttribute('aria-rowcount', '241');
  expect(await devices(page).count()).toBeLessThan(60);
  // The last one comes into view by scrolling, page after page.
  await expect(async () => {
    await page.mouse.wheel(0, 4000);
    await expect(page.locator('tr[aria-rowindex="241"]')).toBeVisible({ timeout: 500 });
  }).toPass();
  expect(await devices(page).count()).toBeLessThan(60);
});

test('a click on a light writes the filter, and the address alone brings the view back', async ({ page }) => {
  const chip = page.getByRole('button', { name: /^Missed/ });
  const count = Number(/\d+$/.exec(await chip.innerText())?.[0]);
  await chip.click();
  await expect(page).toHaveURL(/filter=status%3Amissed/);
  await expect(field(page)).toHaveValue('status:missed');
  await expect(total(page)).toHaveText(`${count} devices`);
  // The other lights keep their counts, so that a second one can be added.
  await page.getByRole('button', { name: /^Failed/ }).click();
  await expect(page).toHaveURL(/status%3Amissed%2Cfailed/);
  await page.getByRole('columnheader', { name: 'Device' }).getByRole('button').click();
  await expect(field(page)).toHaveValue('status:missed,failed sort:name');
  await page.goto(page.url());
  await expect(page.getByRole('button', { name: /^Missed/ })).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByRole('columnheader', { name: 'Device' })).toHaveAttribute('aria-sort', 'ascending');
});

test('the field suggests fields and values, and says in plain words what it cannot read', async ({ page }) => {
  await field(page).click();
  await field(page).pressSequentially('customer:fjo');
  await expect(page.getByRole('option', { name: /Fjord Seafood/ })).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(field(page)).toHaveValue('customer:"Fjord Seafood" ');
  await expect(total(page)).toHaveText('6 devices');
  await field(page).fill('proof>soon');
  await expect(page.getByText('“soon” is no length of time; write 30min, 24h, 1d12h or 2w.')).toBeVisible();
  await expect(total(page)).toHaveText('6 devices');
});

test('each expected backup of 28 days can be reached by keyboard and has its reason; Enter shows them as a table', async ({
  page,
}) => {
  await page.goto('/fleet?filter=customer:"Fjord+Seafood"');
  const bar = page.getByRole('slider', { name: /Last 28 days/ }).first();
  await expect(bar).toHaveAttribute('aria-valuetext', /expected backups on time/);
  await page.keyboard.press('Tab');
  await expect(async () => {
    await page.keyboard.press('Tab');
    await expect(bar).toBeFocused({ timeout: 100 });
  }).toPass();
  // Whether today's is due already or undecided hangs on the hour; those of the days before were missed.
  await expect(async () => {
    if (/due, not decided/.test((await bar.getAttribute('aria-valuetext')) ?? ''))
      await page.keyboard.press('ArrowLeft');
    await expect(bar).toHaveAttribute('aria-valuetext', /missed\. The machine was not heard from/, { timeout: 500 });
  }).toPass();
  await page.keyboard.press('Home');
  await expect(bar).toHaveAttribute('aria-valuetext', /on time|late|missed|failed|partial|stuck/);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: /The last 28 days of/ });
  await expect(dialog.getByRole('row', { name: /missed/ }).first()).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
});

test('a view is saved under a name, shared, shown again and removed', async ({ page }) => {
  await page.goto('/fleet?filter=tag:database&density=compact&columns=status,rpo,tags');
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('menuitem', { name: 'Save this view…' }).click();
  await page.getByLabel('Name').fill('Databases');
  await page.getByLabel('Show it to all of our staff').check();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.goto('/fleet');
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('menuitem', { name: 'Databases', exact: false }).first().click();
  await expect(page).toHaveURL(/filter=tag%3Adatabase&columns=status%2Crpo%2Ctags&density=compact/);
  await expect(page.getByRole('columnheader', { name: 'Tags' })).toBeVisible();
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('menuitem', { name: /Remove “Databases”/ }).click();
  await page.getByRole('button', { name: 'Remove the view' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('the export holds every device of the filter, with the columns that are shown', async ({ page }) => {
  const response = await page.request.get('/api/fleet/export?filter=policy:databases&columns=status,rpo');
  const lines = (await response.text()).trimEnd().split('\r\n');
  expect(response.headers()['content-type']).toContain('text/csv');
  expect(lines[0]).toBe('\uFEFFDevice,Host name,Customer,Status,Why,Data from,Data age (h),Target (h)');
  expect(lines.length - 1).toBe(40);
  expect((await page.request.get('/api/fleet?filter=rpo:24h')).status()).toBe(400);
});

test('an owner defines a column, fills it at a device with a note, and finds the device by both', async ({ page }) => {
  await page.getByRole('button', { name: 'Columns', exact: true }).click();
  await page.getByRole('button', { name: 'Columns of your own…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Columns of your own' });
  await dialog.getByLabel('A new column').fill('Seats');
  await dialog.getByRole('combobox', { name: 'Holds' }).click();
  await page.getByRole('option', { name: 'Number' }).click();
  await dialog.getByRole('button', { name: 'Add the column' }).click();
  await expect(dialog.getByText('my.seats')).toBeVisible();
  await expectFits(page);

  await page.goto('/fleet?filter=name:nas');
  const href = await devices(page).first().getByRole('link').first().getAttribute('href');
  await page.goto(`${href}?tab=policy`);
  await page.getByRole('button', { name: 'Note and columns…' }).click();
  await page.getByRole('dialog').getByLabel('Note').fill('Ask Anna first.');
  await page.getByRole('dialog').getByLabel('Seats').fill('12');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Ask Anna first.')).toBeVisible();
  await expectFits(page);

  await page.goto('/fleet?filter=note:anna%20my.seats%3E11&columns=status,note,my.seats&days=worst');
  await expect(total(page)).toHaveText('1 device');
  await expect(devices(page).first()).toContainText('Ask Anna first.');
  await expect(page.getByRole('columnheader', { name: 'Seats' })).toBeVisible();
  await page.goto('/fleet?filter=my.seat%3E11');
  await expect(page.getByText(/There is no column “my.seat”/)).toBeVisible();
});

for (const colorScheme of ['light', 'dark'] as const)
  for (const width of [1440, 390] as const)
    test(`the list of a bad Monday is accessible and fits, ${colorScheme}, ${width} px`, async ({ page }, info) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.goto('/fleet');
      await expect(devices(page).first()).toBeVisible();
      await expectFits(page);
      await shoot(page, info, `fleet-${colorScheme}-${width}`, { fullPage: false });
    });

test('from an alert of encryption the day is found that stands out, drawn by its signals and named in the table behind them', async ({
  page,
}) => {
  await page.goto('/alerts?kind=ransomware');
  await page.getByRole('table').getByRole('link').first().click();
  await page.getByRole('link', { name: 'What each day changed' }).click();
  const panel = page.getByRole('region', { name: 'What each day changed' });
  await expect(panel).toContainText('1 day stands out');
  // Five of the six: no file is gone that was there.
  await expect(panel.getByRole('img', { name: /this stands out$/ })).toHaveCount(5);
  await panel.getByText('As a table').click();
  await expect(panel.getByRole('row').nth(1)).toContainText(/usually .*z \d/);
  await expectFits(page);
});

test('what alerts cost and what would be billed open their rows', async ({ page }) => {
  await page.goto('/alerts/rules');
  await page.getByRole('link', { name: /Minutes a customer and day: what it is made of/ }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/Alerts cost \d+\.\d min a customer and day/);
  await page.getByRole('table').getByRole('link').first().click();
  await expect(page.getByRole('table', { name: /Items that cost time/ }).getByRole('row')).not.toHaveCount(1);
  await page.goto('/usage');
  await page.getByRole('link', { name: 'If the month closed now' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('40 customers');
  await page
    .getByRole('table')
    .getByRole('link', { name: /Fjord Seafood/ })
    .click();
  await expect(page.getByRole('table', { name: 'What is billed, then and now' })).toContainText('grew by');
  await expectFits(page);
});
