import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];

/** The four ways in which each screen is looked at. */
export const APPEARANCES = (['light', 'dark'] as const).flatMap((colorScheme) => [
  { name: `wide, ${colorScheme}`, use: { colorScheme, viewport: { width: 1440, height: 900 } } },
  { name: `narrow, ${colorScheme}`, use: { colorScheme, viewport: { width: 390, height: 844 } } },
]);

/** The page as it is now, or one part of it, breaks no rule of axe. `name` says which page it was. */
export async function expectAccessible(page: Page, name = page.url(), within?: string): Promise<void> {
  await standsStill(page);
  // Otherwise it opens a window of its own each time, to put together what it found in frames: twice the work of the look itself.
  expect(page.frames(), 'the portal has no frames; what is in one would not be looked at').toHaveLength(1);
  const axe = new AxeBuilder({ page }).options({ resultTypes: ['violations'] }).withTags(RULES);
  if (within !== undefined) axe.include(within);
  const { violations } = await axe.setLegacyMode().analyze();
  const found = violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
  );
  expect(found, name).toEqual([]);
}

/** The same, and nothing reaches beyond the right edge of the window. */
export async function expectFits(page: Page, name = page.url()): Promise<void> {
  await expectAccessible(page, name);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(beyond, name).toBe(0);
}

/** Half faded in, a text has too little contrast. */
async function standsStill(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const ending = document.getAnimations().filter((one) => Number.isFinite(one.effect?.getComputedTiming().endTime));
    await Promise.allSettled(ending.map(async (one) => await one.finished));
  });
}
