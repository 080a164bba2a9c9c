import { type Browser, type BrowserContext, expect, type Page } from '@playwright/test';
import { signInOf } from '../support/e2e-environment.ts';
import { untilAlive } from './until-alive.ts';

type Cookies = Awaited<ReturnType<BrowserContext['cookies']>>;
/** One session for each person: a password costs a second of computing, and sixty sign-ins a minute of waiting. */
const sessions = new Map<string, Cookies>();

type Person = 'hanna' | 'tomas' | 'maja' | 'sam';

/** Opens the start page of somebody who is signed in; the first time of each through the form, as a person does. */
export async function signInAs(page: Page, name: Person): Promise<void> {
  const cookies = sessions.get(name);
  if (cookies === undefined) {
    // Whoever is signed in is not shown the form.
    await page.context().clearCookies();
    await signInByForm(page, name);
    await untilAlive(page.locator('main'));
    sessions.set(name, await page.context().cookies());
    return;
  }
  await page.context().addCookies(cookies);
  await page.goto('/');
  await expect(page).toHaveURL(startPageOf(name));
  await untilAlive(page.locator('main'));
}

const others = new Map<Person, Page>();

/**
 * The start page of somebody else, at a browser of their own beside the test's. It stays open from test to test, and nobody
 * closes it: a new profile takes a processor seconds to open and to close.
 */
export async function openAs(
  browser: Browser,
  name: Person,
  {
    viewport = { width: 1280, height: 720 },
    colorScheme = 'light',
  }: { viewport?: { width: number; height: number }; colorScheme?: 'light' | 'dark' } = {},
): Promise<Page> {
  const page = others.get(name) ?? (await browser.newPage());
  others.set(name, page);
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme });
  await signInAs(page, name);
  return page;
}

/** A session of its own, for tests that end it or look at how it begins. */
export async function signInByForm(page: Page, name: Person): Promise<void> {
  const { email, password } = signInOf(name);
  await page.goto('/sign-in');
  await fillSignIn(page, email, password);
  await expect(page).toHaveURL(startPageOf(name));
}

const startPageOf = (name: string): RegExp => (name === 'maja' || name === 'sam' ? /\/home$/ : /\/today$/);

export async function fillSignIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
