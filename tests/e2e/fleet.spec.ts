import { expect, test } from '@playwright/test';
import { openDevice } from './open-pages.ts';
import { signInAs } from './sign-in-as.ts';
import { untilAlive } from './until-alive.ts';

test.beforeEach(async ({ page }) => {
  await signInAs(page, 'hanna');
  await page.goto('/fleet');
});

test('the fleet opens with a sentence and shows the device as proven, with the age of the proof', async ({ page }) => {
  await expect(page.getByRole('heading', { level: 1 })).toContainText('proven; the proof is');
  const row = page.getByRole('row').filter({ hasText: 'Lindqvist Dental' });
  await expect(row).toContainText('Proven');
  await expect(row.getByRole('cell').nth(4)).toHaveText('3');
  await expect(row).toContainText(/of 28 h/);
  // The relative age has its exact time, in the zone of the customer.
  const proof = row.getByRole('cell').nth(3).locator('time').first();
  await expect(proof).toHaveText(/ago|just now/);
  await expect(proof).toHaveAttribute('title', /\d{4}, \d\d:\d\d:\d\d CES?T/);
  await expect(row.getByRole('slider', { name: /Last 28 days/ })).toBeVisible();
});

test('the filter lives in the address, hides what does not match and can be undone', async ({ page }) => {
  await page.getByLabel('Filter', { exact: true }).fill('"no such device"');
  await expect(page).toHaveURL(/filter=%22no\+such\+device%22/);
  await expect(page.getByText('No device matches this filter')).toBeVisible();
  // The sentence speaks of the whole fleet, whatever the filter shows.
  await expect(page.getByRole('heading', { level: 1 })).toContainText('proven');
  await page.getByRole('link', { name: 'Show all devices' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'Lindqvist Dental' })).toBeVisible();

  await page.goto('/fleet?filter=status:damaged');
  await expect(page.getByText('No device matches this filter')).toBeVisible();
  await page.goto('/fleet?filter=status:proven+proof<30d+level>2');
  await expect(page.getByRole('row').filter({ hasText: 'Lindqvist Dental' })).toBeVisible();
  await page.goto('/fleet?filter=staus:proven');
  await expect(page.getByText('There is no field “staus”. Did you mean “status”?')).toBeVisible();
});

test('the keyboard finds a device and opens it', async ({ page }) => {
  const devicePath = await openDevice(page);
  await page.goto('/fleet');
  await untilAlive(page.locator('main'));
  await page.keyboard.press('Control+K');
  await page.getByPlaceholder('Device, customer or page').fill('lindqvist');
  await expect(page.locator('[data-action]').first()).toContainText('Lindqvist Dental');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(devicePath);
});

test('a token for a new machine is shown once, with the command that uses it', async ({ page }) => {
  await page.getByRole('link', { name: 'Add a device' }).click();
  await page.getByLabel('For which machine').fill('Front desk');
  await page.getByRole('button', { name: 'Make a token' }).click();
  const command = page.getByText(/^holdfast enroll --server http\S+ --token hfe_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$/);
  await expect(command).toBeVisible();
  const [token] = /hfe_\S+/.exec(await command.innerText()) ?? [''];
  await page.reload();
  await expect(page.getByRole('button', { name: 'Make a token' })).toBeVisible();
  expect(await page.content()).not.toContain(token);
});
