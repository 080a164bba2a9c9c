import { type APIRequestContext, expect, test } from '@playwright/test';
import { openDevice, openFirst } from './open-pages.ts';
import { signInAs } from './sign-in-as.ts';

const RANDOM = '0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee';

test('a customer sees their own month and devices, and nothing that staff do', async ({ page }) => {
  await signInAs(page, 'maja');
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/recoverable|backed up/);
  await expect(page.getByText('Recoverable this month', { exact: true })).toBeVisible();
  await page.getByRole('table').getByRole('link').first().click();
  await expect(page).toHaveURL(/\/devices\//);
  await expect(page.getByRole('button', { name: /Back up now|Drill now|Verify now|Restore/ })).toHaveCount(0);
  for (const path of [
    '/today',
    '/alerts/rules',
    '/alerts/time',
    '/usage/preview',
    '/fleet',
    '/drills',
    '/reports/summary',
    '/settings/reports',
    '/settings/enrol',
    '/settings/queues',
  ]) {
    const response = await page.goto(path);
    expect(response?.status(), path).toBe(404);
  }
});

test('the other customer gets for foreign ids exactly what random ids get, on every page and route', async ({
  browser,
}) => {
  const staff = await browser.newPage();
  await signInAs(staff, 'hanna');
  const device = await openDevice(staff);
  const run = await openFirst(staff, device, 'runs', 'runs');
  const drill = await openFirst(staff, device, 'drills', 'drills');
  const point = await openFirst(staff, device, 'points', 'restore-points');
  await staff.goto(device);
  const customer = await staff.getByRole('link', { name: 'Lindqvist Dental' }).getAttribute('href');

  const context = await browser.newContext();
  const page = await context.newPage();
  await signInAs(page, 'sam');
  await expect(page.getByText('No device is protected yet')).toBeVisible();
  expect(await page.content()).not.toContain('Lindqvist');

  for (const path of [device, run, drill, point, customer ?? '']) {
    const foreign = await page.goto(path);
    expect(foreign?.status(), path).toBe(404);
    const shown = await page.locator('main').innerText();
    expect(await page.content()).not.toContain('Lindqvist');
    const random = await page.goto(path.replace(/[^/]+$/, RANDOM));
    expect(random?.status()).toBe(404);
    expect(await page.locator('main').innerText()).toBe(shown);
    const malformed = await page.goto(path.replace(/[^/]+$/, 'not-an-id'));
    expect(malformed?.status()).toBe(404);
  }

  const idOf = (path: string): string => path.split('/').at(-1) ?? '';
  await expectSameAnswer(page.request, `/api/drills/ID/evidence`, idOf(drill));
  await expectSameAnswer(page.request, `/api/restore-points/ID/downloads`, idOf(point), { path: '/', kind: 'zip' });
  for (const route of ['drill', 'verification'])
    await expectSameAnswer(page.request, `/api/restore-points/ID/${route}`, idOf(point), {});
  await expectSameAnswer(page.request, `/api/restore-points/ID/restore`, idOf(point), { paths: [], targetPath: '/x' });
  await expectSameAnswer(page.request, `/api/devices/ID/backup`, idOf(device), {});
  await expectSameAnswer(page.request, `/api/devices/ID/drill`, idOf(device), { level: 3 });
  await expectSameAnswer(page.request, `/api/customers/ID/evidence`, idOf(customer ?? ''));
  await expectSameAnswer(page.request, `/api/customers/ID/inventory`, idOf(customer ?? ''));
  const leftOut = { kind: 'volume', subject: '/', words: 'x' };
  await expectSameAnswer(page.request, `/api/devices/ID/coverage-exclusions`, idOf(device), leftOut);
  for (const route of ['approval', 'remedy', 'withdrawal'])
    await expectSameAnswer(page.request, `/api/drills/ID/${route}`, idOf(drill), { words: 'x' });
  const shownOf = async (path: string): Promise<string> => {
    expect((await page.goto(path))?.status(), path).toBe(404);
    return await page.locator('main').innerText();
  };
  expect(await shownOf(`${customer}/proof`)).toBe(await shownOf(`/customers/${RANDOM}/proof`));
  const search = (await (await page.request.get('/api/search?text=')).json()) as { devices: unknown[] };
  expect(search.devices).toEqual([]);
  await staff.close();
  await context.close();
});

/** Foreign and random id: one status, one body, and no success. */
async function expectSameAnswer(request: APIRequestContext, route: string, id: string, body?: object): Promise<void> {
  const ask = async (one: string): Promise<{ status: number; text: string }> => {
    const address = route.replace('ID', one);
    const response =
      body === undefined
        ? await request.get(address)
        : await request.post(address, { data: body, headers: await ownOrigin(request) });
    return { status: response.status(), text: await response.text() };
  };
  const foreign = await ask(id);
  expect(foreign, route).toEqual(await ask(RANDOM));
  expect([403, 404], `${route} ${foreign.text}`).toContain(foreign.status);
}

async function ownOrigin(request: APIRequestContext): Promise<Record<string, string>> {
  const health = await request.get('/api/health');
  return { origin: new URL(health.url()).origin };
}

test('a download that one person prepared is not there for another', async ({ browser }) => {
  const staff = await browser.newPage();
  await signInAs(staff, 'hanna');
  const point = await openFirst(staff, await openDevice(staff), 'points', 'restore-points');
  const asked = await staff.request.post(`/api${point}/downloads`, {
    data: { path: '/', kind: 'zip' },
    headers: await ownOrigin(staff.request),
  });
  expect(asked.status()).toBe(200);
  const { downloadId } = (await asked.json()) as { downloadId: string };
  for (const who of ['tomas', 'maja', 'sam'] as const) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await signInAs(page, who);
    const answer = await page.request.get(`/api/downloads/${downloadId}/file`, { maxRedirects: 0 });
    expect(answer.status(), who).toBe(404);
    await context.close();
  }
  await staff.close();
});
