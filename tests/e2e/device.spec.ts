import { readFile } from 'node:fs/promises';
import { expect, type Locator, test } from '@playwright/test';
import type { EvidenceBundle } from '../../core/evidence/bundle.ts';
import { verifyBundle } from '../../core/evidence/verify-bundle.ts';
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
  await expect(page.getByRole('row').filter({ hasText: 'Browse' }).first()).toContainText(/Proven.*Level 3/);
  // The drill that proved it is a mark below its day, and a line of the table that the bar opens.
  await page.getByRole('slider', { name: /Last 28 days/ }).click();
  await expect(page.getByRole('dialog', { name: /The last 28 days of/ })).toContainText(
    'restore test of level 3 passed',
  );
  await page.keyboard.press('Escape');
  await expect(page.getByRole('listitem').filter({ hasText: 'restore test passed' })).toBeVisible();
  await page.getByRole('link', { name: 'Policy and agent' }).click();
  await expect(page).toHaveURL(`${devicePath}?tab=policy`);
  await expect(page.getByText('every day, on time within 4 h')).toBeVisible();
  await expect(page.getByText(/Escrowed/)).toBeVisible();
});

test('a backup that was asked for here runs, is shown while it runs, and ends sealed with its phases done', async ({
  page,
}) => {
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
  await expect(page.getByText('Together, with the wait')).toBeVisible();
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe(`holdfast-evidence-drill-${drillPath.split('/').at(-1)}.json`);
  const check = await verifyBundle(await readFile(await file.path(), 'utf8'));
  expect(check.findings).toEqual([]);
  expect(check.records).toMatchObject([{ kind: 'drill', body: { result: { verdict: 'passed' } } }]);
  const [record] = check.records;
  if (record?.kind !== 'drill') throw new Error('no record of a drill');
  expect(record.body.result.filesMatched).toBe(record.body.selection.files.length);
});

test('evidence is checked at /verify by anybody, in the browser alone: nothing is sent', async ({ page, browser }) => {
  const devicePath = await openDevice(page);
  await openFirst(page, devicePath, 'drills', 'drills');
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download' }).click();
  const bundle = await (await download).path();
  // Somebody without an account.
  const stranger = await browser.newContext();
  const checking = await stranger.newPage();
  const answer = await checking.goto('/verify');
  expect(answer?.headers()['content-security-policy']).toMatch(/^default-src 'none'.*frame-ancestors 'none'$/);
  const asked: string[] = [];
  checking.on('request', (request) => asked.push(request.url()));
  await checking.getByLabel('Evidence file').setInputFiles(bundle);
  await expect(checking.getByRole('heading', { name: 'This evidence is sound' })).toBeVisible();
  const text = (await readFile(bundle, 'utf8')).replace('filesMatched', 'filesMatchee');
  await checking
    .getByLabel('Evidence file')
    .setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from(text) });
  await expect(checking.getByRole('heading', { name: 'This evidence is not sound' })).toBeVisible();
  expect(asked).toEqual([]);
  // The provider's key is there for everybody to compare with, and nothing else is.
  const { provider, keys } = JSON.parse(await readFile(bundle, 'utf8')) as EvidenceBundle;
  const published = await (await stranger.request.get(`/verify/keys/${provider.id}`)).json();
  expect(published).toEqual({ keys });
  const unknown = await stranger.request.get('/verify/keys/0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee');
  expect(await unknown.json()).toEqual({ keys: [] });
  await stranger.close();
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
