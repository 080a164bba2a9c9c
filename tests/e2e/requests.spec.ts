import { type APIResponse, expect, test } from '@playwright/test';
import { openDevice } from './open-pages.ts';
import { signInAs } from './sign-in-as.ts';

test('a change is refused when it does not come from a page of the portal', async ({ page, baseURL }) => {
  await signInAs(page, 'hanna');
  const device = await openDevice(page);
  const route = `/api${device}/backup`;
  const post = (headers: Record<string, string>, data: string): Promise<APIResponse> =>
    page.request.post(route, { headers, data });
  const origin = baseURL ?? '';
  const json = { 'content-type': 'application/json' };
  const refused: [string, Record<string, string>][] = [
    ['foreign origin', { ...json, origin: 'https://evil.example' }],
    ['no origin', json],
    ['opaque origin', { ...json, origin: 'null' }],
    ['cross-site', { ...json, origin, 'sec-fetch-site': 'cross-site' }],
    ['plain text', { origin, 'content-type': 'text/plain' }],
    ['form', { origin, 'content-type': 'application/x-www-form-urlencoded' }],
  ];
  for (const [name, headers] of refused) expect((await post(headers, '{}')).status(), name).toBe(403);
  const unknownKey = await post({ ...json, origin }, '{"role":"owner"}');
  expect(unknownKey.status()).toBe(400);
  expect((await post({ ...json, origin }, 'not json')).status()).toBe(400);
});

test('without a session every route and page refuses, whatever headers come along', async ({ request, baseURL }) => {
  const id = '0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee';
  const tricks = { 'x-middleware-subrequest': 'proxy:proxy:proxy:proxy:proxy', authorization: 'Bearer x' };
  for (const path of [
    `/api/search`,
    `/api/downloads/${id}/file`,
    `/api/drills/${id}/evidence`,
    `/api/customers/${id}/evidence`,
    '/api/evidence-keys',
  ])
    expect((await request.get(path, { headers: tricks })).status(), path).toBe(401);
  const posts = [
    `/api/devices/${id}/backup`,
    `/api/devices/${id}/drill`,
    `/api/restore-points/${id}/drill`,
    `/api/restore-points/${id}/verification`,
    `/api/restore-points/${id}/restore`,
    `/api/restore-points/${id}/downloads`,
    '/api/enrolment-tokens',
    `/api/dead-letters/${id}/resend`,
    `/api/drills/${id}/approval`,
    `/api/drills/${id}/remedy`,
    `/api/drills/${id}/withdrawal`,
    `/api/policies/${id}/protection`,
  ];
  for (const path of posts) {
    const headers = { ...tricks, origin: baseURL ?? '' };
    expect((await request.post(path, { data: {}, headers })).status(), path).toBe(401);
  }
  for (const path of ['/', '/fleet', '/home', `/devices/${id}`, `/runs/${id}`, '/settings/enrol', '/settings/queues']) {
    for (const headers of [tricks, { ...tricks, rsc: '1' }]) {
      const response = await request.get(path, { headers, maxRedirects: 0 });
      const text = await response.text();
      // A data request gets its redirect inside the stream; either way nothing but the way to the sign-in is in it.
      expect(response.status() === 307 || text.includes('/sign-in'), path).toBe(true);
      expect(text).not.toContain('Lindqvist');
    }
  }
});

test('pages allow no inline script and carry the headers that keep a browser careful', async ({ page, request }) => {
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && message.text().includes('Content Security Policy')) problems.push(message.text());
  });
  await signInAs(page, 'hanna');
  await openDevice(page);
  await page.goto('/settings/enrol');
  expect(problems).toEqual([]);

  const first = (await request.get('/sign-in')).headers();
  const policy = first['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(/script-src [^;]*/.exec(policy)?.[0]).not.toMatch(/unsafe-inline|unsafe-eval|\*/);
  const second = (await request.get('/sign-in')).headers()['content-security-policy'];
  expect(second, 'the nonce is new for each page').not.toBe(policy);
  expect(first).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'same-origin',
  });
  expect(first['x-powered-by']).toBeUndefined();
});
