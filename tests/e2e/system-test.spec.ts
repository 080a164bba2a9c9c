/** A test of the whole system from the form to its picture: a real image is backed up, restored, started and photographed. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import type pg from 'pg';
import { signInSystem } from '../../workers/sandbox/system/testing/boot-sectors.ts';
import { connectToService } from '../support/e2e-database.ts';
import { e2eService } from '../support/e2e-environment.ts';
import { APPEARANCES, expectFits } from './expect-fits.ts';
import { openDevice } from './open-pages.ts';
import { openAs, signInAs } from './sign-in-as.ts';
import { shoot } from './shoot.ts';

const PASSWORD = 'a password of the test';
let database: pg.Client;
test.beforeAll(async () => {
  database = await connectToService();
});
test.afterAll(async () => await database.end());

/** Backs the folder up and waits until that point is verified. */
async function backUp(page: Page, device: string): Promise<void> {
  const newest = async (): Promise<string> => {
    const { rows } = await database.query<{ id: string }>(
      `SELECT id FROM restore_point WHERE level_passed IS NOT NULL ORDER BY capture_at DESC LIMIT 1`,
    );
    return rows[0]?.id ?? '';
  };
  const before = await newest();
  await page.goto(device);
  await page.getByRole('button', { name: 'Back up now' }).click();
  await expect.poll(newest, { timeout: 150_000 }).not.toBe(before);
}

test('a technician says how a system is tested; the test starts it, and its page shows the screen, the console and the script', async ({
  page,
  browser,
}, info) => {
  test.setTimeout(420_000);
  const { protectPath } = e2eService();
  writeFileSync(path.join(protectPath, 'web.raw'), signInSystem('root', PASSWORD));
  await signInAs(page, 'tomas');
  const device = await openDevice(page);
  await backUp(page, device);

  await page.goto(`${device}?tab=policy`);
  const panel = page.locator('section').filter({ hasText: 'Test of the whole system' });
  await expect(panel).toContainText('Nobody has said yet how the whole system is tested');
  await page.getByRole('button', { name: 'Change how it is tested…' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Start the system from its disk image').check();
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(form.getByText('Say what shows that the system came up')).toBeVisible();
  await form.getByLabel('Disk image', { exact: true }).fill(path.join(protectPath, 'web.raw').slice(1));
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(form.getByText('it begins with a slash')).toBeVisible();
  await form.getByLabel('Disk image', { exact: true }).fill(path.join(protectPath, 'web.raw'));
  await form.getByLabel('Memory in MiB').fill('64');
  await form.getByLabel('A text on the serial console').fill('test system ready');
  await form.getByLabel('Something is on the screen and stays').check();
  await form.getByLabel('Stays for, in seconds').fill('2');
  // The firmware of UEFI paints a picture of its own, so a screen proves nothing there, and the form says so.
  await form.getByRole('combobox', { name: 'Starts by' }).click();
  await page.getByRole('option', { name: 'UEFI' }).click();
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(form.getByText('UEFI paints a picture of its own')).toBeVisible();
  await form.getByRole('combobox', { name: 'Starts by' }).click();
  await page.getByRole('option', { name: 'BIOS' }).click();
  await form.getByLabel('A sign-in at the serial console works').fill('login: | root\nPassword: | {password}\n#');
  await form.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await form.getByLabel('Run a script on what was restored').check();
  await form.getByLabel('Name').fill('the image is there');
  await form
    .getByLabel('Text', { exact: true })
    .fill(`test -s "$HOLDFAST_RESTORED${protectPath}/web.raw" && echo it is`);
  await expectFits(page);
  await shoot(page, info, 'form', { fullPage: false });
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(form).toBeHidden();
  await expect(panel).toContainText('a sign-in at the serial console, up to “#”');
  await expect(panel).toContainText('changed by Tomas');
  await expect(page.getByText(PASSWORD)).toHaveCount(0);

  await page.goto('/drills');
  await page
    .getByRole('button', { name: /Test a restore of/ })
    .first()
    .click();
  await page
    .getByRole('dialog')
    .getByLabel(/Level 5: In use/)
    .check();
  await page.getByRole('button', { name: 'Test the restore' }).click();
  await expect(page).toHaveURL(/\/drills\/[0-9a-f-]{36}$/);
  const drill = page.url();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('The restore works', { timeout: 180_000 });
  await expect(page.getByText('The system in web.raw starts', { exact: true })).toBeVisible();
  await expect(page.getByText('A sign-in to the system in web.raw works', { exact: true })).toBeVisible();
  await expect(page.getByText('The script “the image is there” says that it works', { exact: true })).toBeVisible();
  const screen = page.getByRole('img', { name: /The screen of the started system/ });
  await expect(screen).toBeVisible();
  expect(await screen.evaluate((image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight])).toEqual([
    720, 400,
  ]);
  const answer = await page.request.get((await screen.getAttribute('src')) ?? '');
  expect(answer.headers()).toMatchObject({ 'content-type': 'image/png', 'x-content-type-options': 'nosniff' });

  for (const { name, use } of APPEARANCES) {
    const other = await openAs(browser, 'maja', use);
    await other.goto(drill);
    await expect(other.getByRole('img', { name: /The screen of the started system/ })).toBeVisible();
    await shoot(other, info, `drill-${name.replace(', ', '-')}`);
    await expectFits(other);
    // A customer sees how its systems are tested, and cannot change it.
    await other.goto(`${device}?tab=policy`);
    await expect(other.getByRole('heading', { name: 'Test of the whole system' })).toBeVisible();
    await expect(other.getByRole('button', { name: 'Change how it is tested…' })).toHaveCount(0);
    await shoot(other, info, `policy-${name.replace(', ', '-')}`);
    await expectFits(other);
  }
  const stranger = await openAs(browser, 'sam');
  expect((await stranger.request.get((await screen.getAttribute('src')) ?? '')).status()).toBe(404);
});
