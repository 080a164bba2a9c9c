import { expect, type Locator, type Page, test } from '@playwright/test';
import { openDevice } from './open-pages.ts';
import { openAs, signInAs } from './sign-in-as.ts';
import { expectAccessible } from './expect-fits.ts';

async function openForm(page: Page): Promise<Locator> {
  await page.goto(`${await openDevice(page)}?tab=policy`);
  await page.getByRole('button', { name: 'Change what is protected…' }).click();
  const dialog = page.getByRole('dialog', { name: 'What is protected' });
  await expect(dialog).toBeVisible();
  return dialog;
}

async function add(page: Page, dialog: Locator, kind: string): Promise<void> {
  await dialog.getByRole('button', { name: 'Add…' }).click();
  await page.getByRole('menuitem', { name: kind }).click();
}

test('a technician protects a database and a command, sees them in words, and takes them away again', async ({
  page,
}) => {
  await signInAs(page, 'tomas');
  const dialog = await openForm(page);
  await add(page, dialog, 'PostgreSQL server');
  await dialog.getByRole('button', { name: 'Keep' }).click();
  await expect(dialog.getByText('it begins with a letter or a digit')).toBeVisible();
  await dialog.getByLabel('Short name').fill('main');
  await dialog.getByLabel('Server', { exact: true }).fill('db.example');
  await dialog.getByText('with a secret file').click();
  await dialog.getByLabel('Secret file on the machine').fill('relative');
  await dialog.getByRole('button', { name: 'Keep' }).click();
  await expect(dialog.getByText('The absolute path of a file on the machine.')).toBeVisible();
  await expect(dialog.getByLabel('Secret file on the machine')).toBeFocused();
  await expectAccessible(page, 'the form of a database', '[role=dialog]');
  await dialog.getByLabel('Secret file on the machine').fill('/etc/holdfast/pgpass');
  await dialog.getByRole('button', { name: 'Keep' }).click();
  await expect(dialog.getByText('PostgreSQL on db.example: all databases')).toBeVisible();

  await add(page, dialog, 'Output of a command');
  await dialog.getByLabel('Short name').fill('ldap');
  await dialog.getByLabel('Command', { exact: true }).fill('/usr/sbin/slapcat\n-n\n1');
  await dialog.getByLabel('Store its output as').fill('ldap.ldif');
  await expect(dialog.getByText('The machine decides what may run')).toBeVisible();
  await dialog.getByRole('button', { name: 'Keep' }).click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved. The devices obey it')).toBeVisible();
  await expect(dialog).toBeHidden();
  const policy = page.getByRole('region', { name: /^Policy/ });
  await expect(policy).toContainText('main: PostgreSQL on db.example: all databases');
  await expect(policy).toContainText('ldap: the output of /usr/sbin/slapcat -n 1, as ldap.ldif');

  const again = await openForm(page);
  await again.getByRole('button', { name: 'Change main' }).click();
  await expect(again.getByLabel('Secret file on the machine')).toHaveValue('/etc/holdfast/pgpass');
  await again.getByRole('button', { name: 'Back' }).click();
  for (const label of ['main', 'ldap']) await again.getByRole('button', { name: `Remove ${label}` }).click();
  await again.getByRole('button', { name: 'Save' }).click();
  await expect(policy).not.toContainText('Also protects');
});

test('a change that somebody else overtook is refused with a sentence, and a customer cannot make one', async ({
  page,
  browser,
}) => {
  await signInAs(page, 'tomas');
  const mine = await openForm(page);
  const other = await openAs(browser, 'hanna');
  const theirs = await openForm(other);
  await theirs.getByLabel('Left out').fill('*.theirs');
  await theirs.getByRole('button', { name: 'Save' }).click();
  await expect(other.getByText('Saved. The devices obey it')).toBeVisible();
  await mine.getByLabel('Left out').fill('*.mine');
  await mine.getByRole('button', { name: 'Save' }).click();
  await expect(mine.getByText('Somebody changed this policy in the meantime')).toBeVisible();
  await page.reload();
  await expect(page.getByText('*.theirs')).toBeVisible();

  const customer = await openAs(browser, 'maja');
  await customer.goto(new URL(page.url()).pathname + '?tab=policy');
  await expect(customer.getByRole('region', { name: /^Policy/ })).toBeVisible();
  await expect(customer.getByRole('button', { name: 'Change what is protected…' })).toHaveCount(0);
});
