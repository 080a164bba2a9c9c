import { expect, type Page } from '@playwright/test';
import { signInOf } from '../support/e2e-environment.ts';

/** Signs in through the form, as a person does, and waits for the start page. */
export async function signInAs(page: Page, name: 'hanna' | 'tomas' | 'maja' | 'sam'): Promise<void> {
  const { email, password } = signInOf(name);
  await page.goto('/sign-in');
  await fillSignIn(page, email, password);
  await expect(page).toHaveURL(name === 'maja' || name === 'sam' ? /\/home$/ : /\/fleet$/);
}

export async function fillSignIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
