import { expect, type Page, test } from '@playwright/test';
import { expectAccessible } from './expect-fits.ts';
import { openDevice, openFirst } from './open-pages.ts';
import { openAs, signInAs } from './sign-in-as.ts';
import { untilAlive } from './until-alive.ts';

/** Every screen that a technician has, by name and path. */
async function staffScreens(page: Page): Promise<[string, string][]> {
  const device = await openDevice(page);
  return [
    ['today', '/today'],
    ['alerts', '/alerts'],
    ['rules', '/alerts/rules'],
    ['time that alerts cost', '/alerts/time'],
    ['fleet', '/fleet'],
    ['device', device],
    ['backups', `${device}?tab=runs`],
    ['changes', `${device}?tab=changes`],
    ['drills', `${device}?tab=drills`],
    ['checks', `${device}?tab=checks`],
    ['policy', `${device}?tab=policy`],
    ['run', await openFirst(page, device, 'runs', 'runs')],
    ['drill', await openFirst(page, device, 'drills', 'drills')],
    ['restore point', await openFirst(page, device, 'points', 'restore-points')],
    ['all drills', '/drills'],
    ['integrity', '/integrity'],
    ['reports', '/reports'],
    ['all customers', '/reports/summary'],
    ['look of reports', '/settings/reports'],
    ['usage', '/usage'],
    ['usage if the month closed now', '/usage/preview'],
    ['enrol', '/settings/enrol'],
    ['queues', '/settings/queues'],
    ['nothing here', '/devices/0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee'],
  ];
}

async function expectReadable(page: Page, name: string): Promise<void> {
  await expect(page.getByRole('heading', { level: 1 }).first(), name).toBeVisible();
  await expectAccessible(page, name);
}

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test(`every screen is accessible in the ${colorScheme} theme`, async ({ page, browser }) => {
      await page.goto('/sign-in');
      await expectReadable(page, 'sign-in');
      await signInAs(page, 'hanna');
      for (const [name, path] of await staffScreens(page)) {
        await page.goto(path);
        await expectReadable(page, name);
      }
      for (const who of ['maja', 'sam'] as const) {
        const home = await openAs(browser, who, { colorScheme });
        await expectReadable(home, `home of ${who}`);
      }
    });
  });
}

test('the theme follows the system until it is chosen, and the choice stays', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await signInAs(page, 'hanna');
  const html = page.locator('html');
  const background = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await expect(html).toHaveAttribute('data-mantine-color-scheme', 'dark');
  const dark = await background();
  // The radio itself is drawn by what lies over it.
  await page.getByTitle('Light').click();
  await expect(html).toHaveAttribute('data-mantine-color-scheme', 'light');
  expect(await background()).not.toBe(dark);
  await page.reload();
  await expect(html).toHaveAttribute('data-mantine-color-scheme', 'light');
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 } });

  test('no screen scrolls sideways, and the menu leads everywhere', async ({ page }) => {
    await signInAs(page, 'hanna');
    for (const [name, path] of await staffScreens(page)) {
      await page.goto(path);
      await expect(page.getByRole('heading', { level: 1 }).first(), name).toBeVisible();
      const beyond = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(beyond, name).toBe(0);
    }
    await page.goto('/fleet');
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('dialog').getByRole('link', { name: 'Add a device' }).click();
    await expect(page).toHaveURL('/settings/enrol');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  });
});

test('the keyboard reaches the content at once and shows where it is', async ({ page }) => {
  await signInAs(page, 'hanna');
  await page.goto('/fleet');
  await untilAlive(page.locator('main'));
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('main')).toBeFocused();
});
