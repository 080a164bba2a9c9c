import { expect, test } from '@playwright/test';
import type pg from 'pg';
import { connectToService } from '../support/e2e-database.ts';
import { APPEARANCES, expectFits } from './expect-fits.ts';
import { signInAs } from './sign-in-as.ts';
import { shoot } from './shoot.ts';

let database: pg.Client;

test.beforeAll(async () => {
  database = await connectToService();
});
test.afterAll(async () => await database.end());

/** A dead letter of a job that can be done: the figures of this month. Returns its id. */
async function plantDeadLetter(kind: 'rollup' | 'list-folder', reason: string): Promise<string> {
  const queue = kind === 'rollup' ? 'rollup' : 'interactive';
  const { rows } = await database.query<{ id: string }>(
    `INSERT INTO job_intent (tenant_id, id, customer_id, kind, queue, payload, state, attempt, finished_at, error)
     SELECT s.tenant_id, gen_random_uuid(), s.customer_id, $1, $2,
       CASE WHEN $1 = 'rollup' THEN jsonb_build_object('customerId', s.customer_id, 'month', to_char(now(), 'YYYY-MM'))
         ELSE jsonb_build_object('listingId', gen_random_uuid()) END, 'dead', 5, now() - interval '3 minutes', $3
     FROM source s LIMIT 1 RETURNING id`,
    [kind, queue, reason],
  );
  return rows[0]?.id ?? '';
}

/**
 * Writes the alert of a queue that stands still and holds its row: the queue runs, so that the watch in the gateway would close
 * it within a quarter of a minute, perhaps before the page was reached. Returns what lets the watch have it.
 */
async function plantStandstill(queue: string, title: string, message: string): Promise<() => Promise<void>> {
  const holder = await connectToService();
  for (let held = 0; held === 0; ) {
    await holder.query(
      `INSERT INTO queue_alert (tenant_id, id, queue, title, message) SELECT id, gen_random_uuid(), $1, $2, $3 FROM tenant
       ON CONFLICT (tenant_id, queue) WHERE resolved_at IS NULL DO NOTHING`,
      [queue, title, message],
    );
    await holder.query('BEGIN');
    // None is left where the watch was quicker than this: it is written once more.
    const { rowCount } = await holder.query(
      'SELECT 1 FROM queue_alert WHERE queue = $1 AND resolved_at IS NULL FOR UPDATE',
      [queue],
    );
    held = rowCount ?? 0;
    if (held === 0) await holder.query('ROLLBACK');
  }
  return async () => await holder.end();
}

test('every queue is there with its canary and its workers, and the page renews itself', async ({ page }) => {
  await signInAs(page, 'hanna');
  await page.getByRole('link', { name: 'Queues' }).click();
  await expect(page).toHaveURL('/settings/queues');
  const table = page.getByRole('table', { name: 'Queues' });
  for (const name of [
    'Sealing',
    'Integrity checks',
    'Restore drills',
    'Monthly figures',
    'Messages',
    'Regular sweeps',
  ]) {
    const row = table.getByRole('row').filter({ hasText: name });
    await expect(row, name).toContainText(/Runs|Busy/, { timeout: 90_000 });
    await expect(row, name).toContainText(/ago|just now/);
    await expect(row.getByRole('cell').last(), name).toHaveText('1');
  }
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Every queue runs');
  // Nobody presses anything: a dead letter appears by itself.
  await plantDeadLetter('rollup', 'The figures could not be added up, says the test.');
  await expect(page.getByText('The figures could not be added up, says the test.')).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('1 job was given up');
  await database.query(`DELETE FROM job_intent WHERE state = 'dead'`);
});

test('a dead letter shows its reason, is sent again, and gets done; who did it is written down', async ({ page }) => {
  const id = await plantDeadLetter('rollup', 'The database was away for too long.');
  await plantDeadLetter('list-folder', 'The store did not answer.');
  await signInAs(page, 'tomas');
  await page.goto('/settings/queues');
  const table = page.getByRole('table', { name: /given up/ });
  const row = table.getByRole('row').filter({ hasText: 'Add up a month' });
  await expect(row).toContainText('The database was away for too long.');
  await expect(row).toContainText('after 5 attempts');
  await expect(row).toContainText('Lindqvist Dental');
  const asked = table.getByRole('row').filter({ hasText: 'List a folder' });
  await expect(asked.getByRole('button')).toHaveCount(0);
  await row.getByRole('button', { name: 'Send again' }).click();
  await expect(page.getByText('Sent again.')).toBeVisible();
  await expect(row).toHaveCount(0);
  await expect(async () => {
    const { rows } = await database.query('SELECT state, attempt FROM job_intent WHERE id = $1', [id]);
    expect(rows).toEqual([{ state: 'done', attempt: 1 }]);
  }).toPass({ timeout: 20_000 });
  const { rows } = await database.query(
    `SELECT actor_kind, data->>'reason' AS reason FROM audit_event WHERE action = 'job.sent_again' AND subject_id = $1`,
    [id],
  );
  expect(rows).toEqual([{ actor_kind: 'user', reason: 'The database was away for too long.' }]);
  await database.query(`DELETE FROM job_intent WHERE state = 'dead'`);
});

test('a queue that stands still is said on the first page and on the fleet, and the word goes when it runs again', async ({
  page,
}) => {
  const letGo = await plantStandstill('verify', 'Integrity checks stand still', 'Stored bytes are not checked.');
  await signInAs(page, 'hanna');
  await expect(page.getByText('Integrity checks stand still')).toBeVisible();
  await page.goto('/fleet');
  await expect(page.getByText('Integrity checks stand still')).toBeVisible();
  await page.getByRole('link', { name: 'See the queues' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('the other queues run');
  await letGo();
  // Its canaries come back: the watch in the gateway closes it within its quarter of a minute.
  await expect(page.getByText('Stored bytes are not checked.')).toHaveCount(0, { timeout: 60_000 });
});

for (const { name, use } of APPEARANCES)
  test.describe(name, () => {
    test.use(use);
    test('with dead letters and a standstill the page is accessible and fits', async ({ page }, info) => {
      await plantDeadLetter(
        'rollup',
        'The storage did not answer: connect ECONNREFUSED 10.0.0.7:443 (storage_unavailable)',
      );
      const letGo = await plantStandstill(
        'drill',
        'Restore drills stand still',
        'No restore is tested, so green lights grow old.',
      );
      await signInAs(page, 'hanna');
      await page.goto('/settings/queues');
      await expect(page.getByRole('button', { name: 'Send again' })).toBeVisible();
      await expect(page.getByText('No restore is tested, so green lights grow old.')).toBeVisible();
      await shoot(page, info, 'queues');
      await expectFits(page);
      await letGo();
      await database.query(`DELETE FROM job_intent WHERE state = 'dead'`);
    });
  });
