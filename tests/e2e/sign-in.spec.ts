import { expect, test } from '@playwright/test';
import { signInOf } from '../support/e2e-environment.ts';
import { fillSignIn, signInByForm } from './sign-in-as.ts';

test('a wrong password and an unknown address get the same answer, and neither gets in', async ({ page }) => {
  const said: string[] = [];
  for (const [email, password] of [
    [signInOf('hanna').email, 'not the password'],
    ['nobody@nowhere.example', 'not the password'],
  ] as const) {
    await page.goto('/sign-in');
    await fillSignIn(page, email, password);
    said.push(await page.getByRole('alert').filter({ hasText: 'did not match' }).innerText());
    await expect(page).toHaveURL(/\/sign-in$/);
  }
  expect(said[0]).toBe(said[1]);
  await page.goto('/fleet');
  await expect(page).toHaveURL(/\/sign-in\?next=%2Ffleet$/);
});

test('the right password leads to the page that was asked for', async ({ page }) => {
  await page.goto('/settings/enrol');
  await expect(page).toHaveURL('/sign-in?next=%2Fsettings%2Fenrol');
  const { email, password } = signInOf('tomas');
  await fillSignIn(page, email, password);
  await expect(page).toHaveURL('/settings/enrol');
});

test('an address of another site is never followed after the sign-in', async ({ page }) => {
  await page.goto('/sign-in?next=//evil.example/');
  const { email, password } = signInOf('hanna');
  await fillSignIn(page, email, password);
  await expect(page).toHaveURL('/today');
});

test('after signing out the cookie that was kept opens nothing any more', async ({ page, context, request }) => {
  await signInByForm(page, 'hanna');
  const cookies = await context.cookies();
  const session = cookies.find((cookie) => cookie.name.endsWith('session-token'));
  expect(session).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
  const header = { cookie: `${session?.name}=${session?.value}` };
  expect((await request.get('/api/search', { headers: header })).status()).toBe(200);

  await page.getByRole('button', { name: /Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  expect((await request.get('/api/search', { headers: header })).status()).toBe(401);
});

test('the session that the browser may read holds a name and no token', async ({ page }) => {
  await signInByForm(page, 'hanna');
  const session = (await (await page.request.get('/api/auth/session')).json()) as Record<string, unknown>;
  expect(Object.keys(session).sort()).toEqual(['expires', 'user']);
  expect(session['user']).toEqual({ name: expect.stringContaining('Hanna') as unknown });
});
