/** One bit of a real backup flips: what the pages say from the moment that it is found until the machine has sent the data again. */
import { readFileSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import type pg from 'pg';
import { connectToService } from '../support/e2e-database.ts';
import { e2eService } from '../support/e2e-environment.ts';
import { expectFits } from './expect-fits.ts';
import { openDevice } from './open-pages.ts';
import { openAs, signInAs } from './sign-in-as.ts';
import { shoot } from './shoot.ts';

let database: pg.Client;
test.beforeAll(async () => {
  database = await connectToService();
});
test.afterAll(async () => {
  holdAgent('SIGCONT');
  // Evidence of it is kept, and with it the damage; for the tests that follow it is no longer of these days.
  await database.query(
    `UPDATE damage SET ended_at = ended_at - interval '90 days', found_at = found_at - interval '90 days' WHERE ended_at IS NOT NULL`,
  );
  await database.end();
});

/** As a failing disk would, past everything: the largest pack that the newest restore point needs. */
async function flipOneBit(): Promise<void> {
  const { rows } = await database.query<{ tenant_id: string; vault_id: string; key: string }>(
    `SELECT o.tenant_id, o.vault_id, o.key FROM stored_object o
     JOIN (SELECT * FROM restore_point WHERE state = 'sealed' ORDER BY capture_at DESC LIMIT 1) p ON p.vault_id = o.vault_id
     WHERE o.kind = 'data_pack' AND o.state = 'sealed' AND split_part(o.key, '/', 3) = ANY (p.pack_ids) ORDER BY o.size DESC LIMIT 1`,
  );
  const { tenant_id: tenantId, vault_id: vaultId, key } = rows[0]!;
  const file = path.join(e2eService().dataPath, 'store/v', tenantId, vaultId, key);
  const bytes = await readFile(file);
  bytes[bytes.length >> 1]! ^= 1;
  await chmod(file, 0o600);
  await writeFile(file, bytes);
}

/** The machine's agent stands still, so that what is on the way is not over before it was looked at. */
function holdAgent(signal: 'SIGSTOP' | 'SIGCONT'): void {
  const file = path.join(e2eService().dataPath, 'processes.json');
  const records = JSON.parse(readFileSync(file, 'utf8')) as { name: string; pid: number }[];
  process.kill(records.find(({ name }) => name === 'agent')!.pid, signal);
}

test('damage is named with its files, locks what needs it away, is repaired by the machine, and all is well again', async ({
  page,
  browser,
}, info) => {
  await signInAs(page, 'tomas');
  const device = await openDevice(page);
  holdAgent('SIGSTOP');
  await flipOneBit();
  await page.goto(`${device}?tab=checks`);
  await page.getByRole('button', { name: 'Verify now' }).click();
  const checks = page.getByRole('table', { name: 'Integrity checks' }).getByRole('row');
  await expect(checks.filter({ hasText: 'Failed' }).first()).toContainText('Reading', { timeout: 90_000 });

  await page.goto('/integrity');
  await expect(page.getByRole('heading', { level: 1 })).toContainText(
    /Stored data is damaged and is being repaired; until then \d+ restore points? (?:is|are) locked away/,
  );
  const panel = page
    .locator('section')
    .filter({ has: page.getByRole('list', { name: 'Steps of the repair' }) })
    .first();
  await expect(panel).toContainText('Repair under way');
  await expect(panel).toContainText('other bytes than were stored');
  await expect(panel).toContainText(e2eService().protectPath);
  await expect(
    page.getByRole('row').filter({ hasText: 'A stored object that it needs is damaged.' }).first(),
  ).toBeVisible();
  await expectFits(page);
  await shoot(page, info, 'under-way');
  const second = await openAs(browser, 'hanna');
  await second.goto(device);
  await expect(second.getByRole('heading', { level: 1 })).toContainText(
    'needs you. One stored object is damaged or missing',
  );

  holdAgent('SIGCONT');
  // Nobody presses anything: the machine sends what it has, the service checks it.
  await expect(panel).toContainText('Repaired', { timeout: 240_000 });
  const steps = panel.getByRole('list', { name: 'Steps of the repair' }).getByRole('listitem');
  await expect(steps).toHaveCount(6);
  for (const step of await steps.all()) await expect(step).toContainText('(done)');
  await expect(page.getByText('None. Every restore point stands on data that was found intact.')).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).not.toContainText('damaged');
  await shoot(page, info, 'repaired');
  await page.goto(device);
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/is proven/, { timeout: 120_000 });
});
