import { expect, type Locator } from '@playwright/test';

/** Waits until the page's scripts have taken over what the server drew: a key that is pressed before does nothing. */
export async function untilAlive(element: Locator): Promise<void> {
  await expect
    .poll(async () => await element.evaluate((node) => Object.keys(node).some((key) => key.startsWith('__reactProps'))))
    .toBe(true);
  await element.page().evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  });
}
