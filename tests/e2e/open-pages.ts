import { expect, type Page } from '@playwright/test';

/** From the fleet to the one device of the test service. Returns its path. */
export async function openDevice(page: Page): Promise<string> {
  await page.goto('/fleet');
  await page.getByRole('table').locator('[data-first]').getByRole('link').first().click();
  await expect(page).toHaveURL(/\/devices\/[0-9a-f-]{36}$/);
  return new URL(page.url()).pathname;
}

/** Opens the first row of a list of the device's page. Returns the path of what it led to. */
export async function openFirst(page: Page, devicePath: string, tab: string, leadsTo: string): Promise<string> {
  await page.goto(`${devicePath}?tab=${tab}`);
  await page.getByRole('table').getByRole('link').first().click();
  await expect(page).toHaveURL(new RegExp(`/${leadsTo}/[0-9a-f-]{36}$`));
  return new URL(page.url()).pathname;
}
