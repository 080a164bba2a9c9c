import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Download, expect, type Page, test } from '@playwright/test';
import { e2eService } from '../support/e2e-environment.ts';
import { openDevice, openFirst } from './open-pages.ts';
import { readZip } from './read-zip.ts';
import { signInAs } from './sign-in-as.ts';
import { shoot } from './shoot.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function openProtectedFolder(page: Page): Promise<void> {
  await openFirst(page, await openDevice(page), 'points', 'restore-points');
  await page.getByRole('link', { name: e2eService().protectPath, exact: true }).click();
  await expect(page.getByRole('table', { name: 'Files and folders' })).toBeVisible();
  await expect(page.getByRole('cell', { name: 'README.txt', exact: true })).toBeVisible();
}

async function downloaded(page: Page, button: string): Promise<{ download: Download; bytes: Buffer }> {
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: button, exact: true }).click();
  const download = await waiting;
  return { download, bytes: readFileSync(await download.path()) };
}

for (const who of ['hanna', 'maja'] as const) {
  test(`${who} browses a restore point and downloads a file that equals the original byte for byte`, async ({
    page,
  }) => {
    await signInAs(page, who);
    if (who === 'maja') {
      await page.getByRole('table').getByRole('link').first().click();
      await page.getByRole('row').filter({ hasText: 'Browse' }).first().getByRole('link').first().click();
      await page.getByRole('link', { name: e2eService().protectPath, exact: true }).click();
    } else await openProtectedFolder(page);
    await page.getByRole('cell', { name: 'images' }).getByRole('link').click();
    const { download, bytes } = await downloaded(page, 'Download x-ray.raw');
    expect(download.suggestedFilename()).toBe('x-ray.raw');
    expect(sha256(bytes)).toBe(sha256(readFileSync(path.join(e2eService().protectPath, 'images/x-ray.raw'))));
  });
}

test('a folder comes as a zip with every file of it, odd names too', async ({ page }) => {
  await signInAs(page, 'hanna');
  await openProtectedFolder(page);
  const { download, bytes } = await downloaded(page, 'Download letters as zip');
  expect(download.suggestedFilename()).toBe('letters.zip');
  const files = readZip(bytes);
  expect(files.size).toBe(2);
  const originals = ['letters/Åse & søn – "kopi".txt', 'letters/with spaces/and\nnewline.txt'].map((name) =>
    sha256(readFileSync(path.join(e2eService().protectPath, name))),
  );
  expect([...files.values()].map(sha256).sort()).toEqual(originals.sort());
});

test('a long folder is listed whole, folders first, and can be searched', async ({ page }) => {
  await signInAs(page, 'hanna');
  await openProtectedFolder(page);
  const names = await page.getByRole('table', { name: 'Files and folders' }).getByRole('row').allInnerTexts();
  expect(names.slice(1).map((text) => text.split('\n')[0])).toEqual([
    'images',
    'letters',
    'records',
    'empty.txt',
    'README.txt',
  ]);
  await page.getByRole('cell', { name: 'records' }).getByRole('link').click();
  await page.getByRole('cell', { name: '2026' }).getByRole('link').click();
  await expect(page.getByText(/^200 files, /)).toBeVisible();
  await page.getByLabel('Find in this folder').fill('patient-177');
  await expect(page.getByText('1 of 200 match')).toBeVisible();
  await expect(page.getByRole('cell', { name: 'patient-177.txt', exact: true })).toBeVisible();
});

test('a folder that does not exist says so and leads back', async ({ page }) => {
  await signInAs(page, 'hanna');
  const point = await openFirst(page, await openDevice(page), 'points', 'restore-points');
  await page.goto(`${point}?path=${encodeURIComponent('/no/such/folder')}`);
  await expect(page.getByText('This folder could not be opened')).toBeVisible({ timeout: 30_000 });
  await page.getByRole('link', { name: 'All files' }).click();
  await expect(page.getByRole('table', { name: 'Files and folders' })).toBeVisible();
});

test('a restore test of one point is asked for with its depth, and leads to the drill', async ({ page }, info) => {
  await signInAs(page, 'tomas');
  await openFirst(page, await openDevice(page), 'points', 'restore-points');
  await page.getByRole('button', { name: 'Drill this point…' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('compared, byte by byte')).toBeVisible();
  await expect(dialog.getByText('databases were loaded')).toBeVisible();
  // The point is this one: none is to be chosen.
  await expect(dialog.getByLabel('Of which state')).toHaveCount(0);
  await shoot(page, info, 'dialog', { fullPage: false });
  await dialog.getByLabel(/Level 4/).check();
  await dialog.getByRole('button', { name: 'Test the restore' }).click();
  await expect(page).toHaveURL(/\/drills\/[0-9a-f-]{36}$/);
  // There is no database in this folder: it was asked for level 4 and reached what it could.
  await expect(page.getByText(/Level (asked for|reached|4)/).first()).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('The restore works');
  const evidence = page.locator('#evidence');
  await expect(evidence.getByText('Signature checked')).toBeVisible();
  await expect(evidence.getByText('of 4 asked for')).toBeVisible();
  await expect(evidence.getByText('a restore point that a person chose')).toBeVisible();
});
