import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { openDevice, openFirst } from './open-pages.ts';
import { signInAs } from './sign-in-as.ts';

/** Every screen that a technician has, by name and path. */
async function staffScreens(page: Page): Promise<[string, string][]> {
  const device = await openDevice(page);
  return [
    ['fleet', '/fleet'],
    ['device', device],
    ['backups', `${device}?tab=runs`],
    ['drills', `${device}?tab=drills`],
    ['checks', `${device}?tab=checks`],
    ['policy', `${device}?tab=policy`],
    ['run', await openFirst(page, device, 'runs', 'runs')],
    ['drill', await openFirst(page, device, 'drills', 'drills')],
    ['restore point', await openFirst(page, device, 'points', 'restore-points')],
    ['enrol', '/settings/enrol'],
    ['nothing here', '/devices/0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee'],
  ];
}

async function expectAccessible(page: Page, name: string): Promise<void> {
  await expect(page.getByRole('heading', { level: 1 }).first(), name).toBeVisible();
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
    .analyze();
  const found = violations.map(
    (one) => `${one.impact} ${one.id}: ${one.nodes.map((node) => node.target.join(' ')).join(', ')}`,
  );
  expect(found, name).toEqual([]);
}

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test(`every screen is accessible in the ${colorScheme} theme`, async ({ page, browser }) => {
      test.setTimeout(180_000);
      await page.goto('/sign-in');
      await expectAccessible(page, 'sign-in');
      await signInAs(page, 'hanna');
      for (const [name, path] of await staffScreens(page)) {
        await page.goto(path);
        await expectAccessible(page, name);
      }
      for (const who of ['maja', 'sam'] as const) {
        const context = await browser.newContext({ colorScheme });
        const home = await context.newPage();
        await signInAs(home, who);
        await expectAccessible(home, `home of ${who}`);
        await context.close();
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
    test.setTimeout(120_000);
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
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('main')).toBeFocused();
});
