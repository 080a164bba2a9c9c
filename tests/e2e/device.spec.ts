import { readFile } from 'node:fs/promises';
import { expect, type Locator, test } from '@playwright/test';
import { openDevice, openFirst } from './open-pages.ts';
import { signInAs } from './sign-in-as.ts';

/** The list comes after the frame of its page: without waiting there is nothing to count yet. */
async function countRows(rows: Locator): Promise<number> {
  await expect(rows.first()).toBeVisible();
  return await rows.count();
}

test.beforeEach(async ({ page }) => await signInAs(page, 'tomas'));

test('a device says what would be lost now, how that is known, and what its policy is', async ({ page }) => {
  const devicePath = await openDevice(page);
  await expect(page.getByRole('heading', { level: 1 })).toContainText(
    /is proven: a restore was tested .* at most .* lost/,
  );
  await expect(page.getByRole('row').filter({ hasText: 'Browse' }).first()).toContainText('Proven');
  await page.getByRole('link', { name: 'Policy and agent' }).click();
  await expect(page).toHaveURL(`${devicePath}?tab=policy`);
  await expect(page.getByText('every day, on time within 4 h')).toBeVisible();
  await expect(page.getByText(/Escrowed/)).toBeVisible();
});

test('a backup that was asked for here runs, is shown while it runs, and ends sealed with its phases done', async ({
  page,
}) => {
  test.setTimeout(180_000);
  const devicePath = await openDevice(page);
  await page.goto(`${devicePath}?tab=runs`);
  const runs = page.getByRole('table', { name: 'Backup runs' }).getByRole('row');
  const before = await countRows(runs);
  await page.getByRole('button', { name: 'Back up now' }).click();
  await expect(page.getByText('Asked for.')).toBeVisible();
  // What waits or runs is on the page without a reload, and so is the new run.
  await expect(page.getByRole('heading', { name: 'Under way' })).toBeVisible();
  await expect(runs).toHaveCount(before + 1, { timeout: 90_000 }); // the device hears of it with its next heartbeat
  await runs.nth(1).getByRole('link').click();
  await expect(page).toHaveURL(/\/runs\//);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('This backup is complete', { timeout: 30_000 });
  const phases = page.getByRole('list', { name: 'Phases of this backup' }).getByRole('listitem');
  await expect(phases).toHaveCount(5);
  for (const phase of await phases.all()) await expect(phase).toContainText('(done)');
  await expect(page.getByText('asked for in the portal')).toBeVisible();
  await expect(page.getByText('every selected file was read')).toBeVisible();
});

test('a drill that was asked for here ends passed; its evidence can be downloaded and names every file', async ({
  page,
}) => {
  const devicePath = await openDevice(page);
  await page.goto(`${devicePath}?tab=drills`);
  const drills = page.getByRole('table', { name: 'Restore drills' }).getByRole('row');
  const before = await countRows(drills);
  await page.getByRole('button', { name: 'Drill now' }).click();
  await expect(drills).toHaveCount(before + 1);
  await expect(drills.nth(1)).toContainText('Passed', { timeout: 45_000 });

  const drillPath = await openFirst(page, devicePath, 'drills', 'drills');
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/The restore works: all \d+ files/);
  await expect(page.getByRole('list', { name: 'Steps of this drill' }).getByRole('listitem').first()).toContainText(
    '(done)',
  );
  await expect(page.getByText('Together')).toBeVisible();
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe(`drill-${drillPath.split('/').at(-1)}.json`);
  const text = await readFile(await file.path(), 'utf8');
  const evidence = JSON.parse(text) as {
    verdict: string;
    selection: { files: unknown[] };
    result: { filesMatched: number };
  };
  expect(evidence.verdict).toBe('passed');
  expect(evidence.result.filesMatched).toBe(evidence.selection.files.length);
});

test('an integrity check that was asked for here reads every object and finds nothing wrong', async ({ page }) => {
  const devicePath = await openDevice(page);
  await page.goto(`${devicePath}?tab=checks`);
  const checks = page.getByRole('table', { name: 'Integrity checks' }).getByRole('row');
  const before = await countRows(checks);
  await page.getByRole('button', { name: 'Verify now' }).click();
  await expect(checks).toHaveCount(before + 1);
  await expect(checks.nth(1)).toContainText('Passed', { timeout: 45_000 });
  await expect(checks.nth(1)).toContainText('nothing wrong');
});
