import { readFile } from 'node:fs/promises';
import { expect, type Page, test } from '@playwright/test';
import type pg from 'pg';
import { connectToService } from '../support/e2e-database.ts';
import { APPEARANCES, expectFits } from './expect-fits.ts';
import { openDevice } from './open-pages.ts';
import { openAs, signInAs } from './sign-in-as.ts';
import { shoot } from './shoot.ts';

test('the page says how much of what is stored was checked, level by level, and who is locked away', async ({
  page,
}) => {
  await signInAs(page, 'hanna');
  await page.getByRole('link', { name: 'Integrity' }).click();
  await expect(page).toHaveURL('/integrity');
  // A real backup lies behind it, and its after-seal check has read all of it.
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Every stored byte was read and found intact');
  await expect(page.getByText('Listed within 2 days')).toBeVisible();
  const read = page.locator('dl > div').filter({ hasText: 'Read within 30 days' });
  await expect(read).toContainText('100 %');
  await expect(page.getByText('Oldest unread byte').first()).toBeVisible();
  await expect(page.getByText('None. Every restore point stands on data that was found intact.')).toBeVisible();
  const row = page
    .getByRole('table', { name: 'Integrity by customer' })
    .getByRole('row')
    .filter({ hasText: 'Lindqvist' });
  await expect(row).toContainText('100 %');
  await row.getByRole('link').first().click();
  await expect(page).toHaveURL(/\/customers\/[0-9a-f-]{36}$/);
});

test('a device names its checks', async ({ page }) => {
  await signInAs(page, 'hanna');
  const device = await openDevice(page);
  await page.goto(`${device}?tab=checks`);
  await expect(page.getByRole('table').getByText('Reading of a restore point').first()).toBeVisible();
});

test('customers have no such page', async ({ page }) => {
  await signInAs(page, 'maja');
  await page.goto('/integrity');
  await expect(page.getByText('Every stored byte')).toHaveCount(0);
});

const LOST = 'a-loss-planted-by-a-test';

/** A damage that a repair has left partly lost, of the real device: what a small folder in good health cannot have. */
async function plantLoss(database: pg.Client): Promise<string> {
  const { rows } = await database.query<{ id: string }>(
    `INSERT INTO damage (tenant_id, id, customer_id, device_id, vault_id, state, keys, objects, impact, found_at, ended_at)
     SELECT tenant_id, gen_random_uuid(), customer_id, device_id, id, 'lost', ARRAY[$1], $2, $3, now() - interval '3 hours',
       now() - interval '1 hour' FROM vault LIMIT 1 RETURNING id`,
    [
      `data/ab/${LOST}`,
      JSON.stringify([{ key: `data/ab/${LOST}`, kind: 'data_pack', size: 1000, problem: 'missing' }]),
      JSON.stringify({
        ...{ blobs: [], blobsTotal: 2, snapshots: [], snapshotsTotal: 1, isComplete: true, filesTotal: 2 },
        files: ['/srv/scans/2026/x-ray 0417.raw', '/srv/scans/2026/x-ray 0418.raw'].map((path) => ({
          path,
          snapshots: 1,
        })),
      }),
    ],
  );
  const id = rows[0]!.id;
  for (const [at, [kind, hours]] of [
    ['found', 3],
    ['quarantined', 3],
    ['traced', 3],
    ['asked', 3],
    ['sent', 2],
    ['checked', 1],
    ['ended', 1],
  ].entries())
    await database.query(
      `INSERT INTO damage_event (tenant_id, damage_id, sequence, customer_id, at, kind, data)
       SELECT tenant_id, id, $2, customer_id, now() - $3::interval, $4, '{}' FROM damage WHERE id = $1`,
      [id, at + 1, `${hours} hours`, kind],
    );
  return id;
}

/** Evidence that was appended is kept, and with it the damage that it names; that one is no longer of these days. */
async function removeLoss(database: pg.Client, id: string): Promise<void> {
  const { rows } = await database.query('SELECT 1 FROM evidence_record WHERE damage_id = $1', [id]);
  if (rows.length === 0) {
    await database.query('DELETE FROM damage_event WHERE damage_id = $1', [id]);
    await database.query('DELETE FROM damage WHERE id = $1', [id]);
  } else
    await database.query(
      "UPDATE damage SET ended_at = now() - interval '90 days', found_at = now() - interval '90 days' WHERE id = $1",
      [id],
    );
}

for (const { name, use } of APPEARANCES)
  test.describe(name, () => {
    test.use(use);
    test('a loss waits for an owner, who accepts it with a reason; the customer reads it and takes the records away', async ({
      page,
      browser,
    }, info) => {
      const database = await connectToService();
      const id = await plantLoss(database);
      const shot = async (of: Page, what: string): Promise<void> => {
        await shoot(of, info, what);
        await expectFits(of);
      };
      try {
        await signInAs(page, 'tomas');
        await page.goto('/integrity');
        await expect(page.getByRole('heading', { level: 1 })).toContainText('one loss waits for an owner');
        const panel = page.locator(`#damage-${id}`);
        await expect(panel).toContainText('x-ray 0417.raw');
        // A technician sees that an owner is needed, and has no button.
        await expect(panel).toContainText('An owner of your account has to accept the loss');
        await expect(panel.getByRole('button')).toHaveCount(0);

        const owner = await openAs(browser, 'hanna', use);
        await owner.goto('/integrity');
        await shot(owner, 'loss');
        await owner.locator(`#damage-${id}`).getByRole('button', { name: 'Accept the loss…' }).click();
        const dialog = owner.getByRole('dialog');
        await expect(dialog.getByText('Nothing is hidden by it')).toBeVisible();
        await shot(owner, 'dialog');
        await dialog.getByLabel('Why').fill(`The scanner kept no copies; the clinic was told (${name}).`);
        await dialog.getByRole('button', { name: 'Accept the loss' }).click();
        await expect(owner.locator(`#damage-${id}`)).toContainText('The loss was accepted');
        await expect(owner.locator(`#damage-${id}`)).toContainText('The scanner kept no copies');
        await shot(owner, 'accepted');

        const customer = await openAs(browser, 'maja', use);
        await customer.goto('/proof');
        const found = customer.getByRole('listitem').filter({ hasText: `was told (${name})` });
        await expect(found).toContainText('lost for good');
        const download = customer.waitForEvent('download');
        await found.getByRole('link', { name: 'Download the signed records' }).click();
        expect(await readFile(await (await download).path(), 'utf8')).toContain('loss_accepted');
        await shot(customer, 'proof');
      } finally {
        await removeLoss(database, id);
        await database.end();
      }
    });
  });
