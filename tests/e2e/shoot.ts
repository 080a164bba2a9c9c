import type { Page, TestInfo } from '@playwright/test';

/** A picture for people to look at, with HOLDFAST_SHOTS=1: nothing compares them, and each costs a processor half a second. */
export async function shoot(page: Page, info: TestInfo, name: string, { fullPage = true } = {}): Promise<void> {
  if (process.env.HOLDFAST_SHOTS === '1') await page.screenshot({ path: info.outputPath(`${name}.png`), fullPage });
}
