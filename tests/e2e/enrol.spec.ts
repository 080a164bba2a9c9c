import { expect, test } from '@playwright/test';
import { connectToService } from '../support/e2e-database.ts';
import { signInAs } from './sign-in-as.ts';

test('who holds the keys is chosen with the words of what it means, and the token has it', async ({ page }) => {
  const database = await connectToService();
  const label = `keys ${Date.now()}`;
  try {
    await signInAs(page, 'hanna');
    await page.goto('/settings/enrol');
    // Nobody gives the service's key away by not looking.
    await expect(page.getByLabel('The service holds a key too')).toBeChecked();
    await expect(page.getByText('the backups are lost for ever')).toBeVisible();
    await expect(page.getByText('the only way back from a lost machine')).toHaveCount(0);
    for (const [custody, choice, said] of [
      ['customer_held', 'Only the customer holds the keys', 'Only the customer will hold the keys.'],
      ['escrowed', 'The service holds a key too', 'The service will hold a key too'],
    ] as const) {
      await page.getByLabel('For which machine').fill(`${label} ${custody}`);
      await page.getByLabel(choice).check();
      await expect(page.getByText('the only way back from a lost machine')).toHaveCount(
        custody === 'customer_held' ? 1 : 0,
      );
      await page.getByRole('button', { name: 'Make a token' }).click();
      await expect(page.getByText(said)).toBeVisible();
      const { rows } = await database.query('SELECT custody FROM enrolment_token WHERE label = $1', [
        `${label} ${custody}`,
      ]);
      expect(rows).toEqual([{ custody }]);
    }
  } finally {
    await database.query('DELETE FROM enrolment_token WHERE label LIKE $1', [`${label}%`]);
    await database.end();
  }
});
