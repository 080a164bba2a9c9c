/** Webhooks, Slack, Teams and PagerDuty against a real HTTP server in this process. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createCaller } from '../outbound/call.ts';
import { messageOf, TEST_AT, toldOf } from '../testing/test-message.ts';
import { sendSlack, sendTeams } from './send-chat.ts';
import { sendPagerDuty } from './send-pagerduty.ts';
import { sendWebhook } from './send-webhook.ts';
import { newSigningSecret } from './sign-webhook.ts';
import { retryAfterMs } from './web-outcome.ts';

interface Seen {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

let server: Server;
let base: string;
let seen: Seen[] = [];
let answer: { status: number; headers?: Record<string, string>; text?: string } = { status: 200 };

beforeAll(async () => {
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      seen.push({ path: request.url ?? '', headers: request.headers, text: Buffer.concat(parts).toString('utf8') });
      response.writeHead(answer.status, answer.headers).end(answer.text ?? 'ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  seen = [];
  answer = { status: 200 };
});

const tools = { caller: createCaller({ allowsLoopback: true, resolve: async () => [] }), nowMs: TEST_AT };

describe('a webhook', () => {
  /** What a receiver writes who has read the specification and nothing of ours. */
  function isGenuine({ headers, text }: Seen, secret: string): boolean {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${text}`;
    const expected = createHmac('sha256', key).update(signed).digest('base64');
    return String(headers['webhook-signature']).split(' ').includes(`v1,${expected}`);
  }

  test('is signed over id, time and body, with every secret that is valid, and with no other', async () => {
    const [now, before, never] = [newSigningSecret(), newSigningSecret(), newSigningSecret()];
    expect(await sendWebhook(messageOf(), { url: `${base}/in?x=1`, secrets: [now, before] }, tools)).toMatchObject({
      state: 'sent',
    });
    const [one] = seen;
    expect([isGenuine(one!, now), isGenuine(one!, before), isGenuine(one!, never)]).toEqual([true, true, false]);
    expect(isGenuine({ ...one!, text: one!.text.replace('silent', 'fine') }, now)).toBe(false);
    expect(isGenuine({ ...one!, headers: { ...one!.headers, 'webhook-timestamp': '1' } }, now)).toBe(false);
    expect(one!.headers['webhook-id']).toBe(messageOf().key);
    expect(one!.path).toBe('/in?x=1');
    expect(JSON.parse(one!.text)).toMatchObject({
      type: 'alert.opened',
      timestamp: '2026-11-21T15:04:00.000Z',
      data: { severity: 'critical', kind: 'silent', customer: { name: 'Lindqvist Dental' }, subject: 'FRONT-DESK' },
    });
  });
  test.each([
    [500, 'refused'],
    [404, 'refused'],
    [429, 'refused'],
    [302, 'rejected'],
    [410, 'gone'],
  ] as const)('that is answered with %i is %s', async (status, state) => {
    answer = { status, headers: { location: `${base}/other` } };
    expect(await sendWebhook(messageOf(), { url: base, secrets: [newSigningSecret()] }, tools)).toMatchObject({
      state,
    });
    expect(seen).toHaveLength(1);
  });
  test('waits as long as the receiver says', async () => {
    answer = { status: 429, headers: { 'retry-after': '90' } };
    expect(await sendWebhook(messageOf(), { url: base, secrets: [newSigningSecret()] }, tools)).toMatchObject({
      waitMs: 90_000,
    });
    expect(retryAfterMs(new Date(TEST_AT + 60_000).toUTCString(), TEST_AT)).toBe(60_000);
    expect(retryAfterMs('soon', TEST_AT)).toBeUndefined();
  });
  test('whose answer repeats the secret is shown without it', async () => {
    const secret = newSigningSecret();
    answer = { status: 500, text: `you sent ${secret}` };
    const outcome = await sendWebhook(messageOf(), { url: base, secrets: [secret] }, tools);
    expect(outcome.response).toBe('500 you sent •••');
  });
});

describe('Slack', () => {
  test('gets blocks of plain text: the name of a machine calls nobody and links nowhere', async () => {
    const told = toldOf({ subjectName: '<!channel> <https://evil.com|x> *b*' });
    expect(await sendSlack(messageOf([told]), `${base}/services/T/B/x`, tools)).toMatchObject({ state: 'sent' });
    const body = JSON.parse(seen[0]!.text) as { text: string; blocks: { type: string; text?: { type: string } }[] };
    expect(body.text).not.toMatch(/[<>]/);
    expect(body.blocks.filter(({ text }) => text !== undefined).every(({ text }) => text!.type === 'plain_text')).toBe(
      true,
    );
    expect(body.blocks.map(({ type }) => type)).toEqual(['header', 'section', 'actions', 'context']);
    expect(seen[0]!.text.length).toBeLessThan(10_000);
  });
  test('that says the hook is wrong is not tried again, and its address is not shown', async () => {
    answer = { status: 404, text: `no_service for ${base}/services/T/B/x` };
    const outcome = await sendSlack(messageOf(), `${base}/services/T/B/x`, tools);
    expect(outcome.state).toBe('rejected');
    expect(outcome.response).not.toContain('/services/T/B/x');
  });
});

test('Teams gets an adaptive card whose texts are runs, which read no markup', async () => {
  const told = toldOf({ subjectName: '[click](https://evil.com) **b**' });
  expect(await sendTeams(messageOf([told]), `${base}/workflows/x`, tools)).toMatchObject({ state: 'sent' });
  const body = JSON.parse(seen[0]!.text) as {
    type: string;
    attachments: {
      contentType: string;
      content: { type: string; version: string; body: { type: string }[]; actions: object[] };
    }[];
  };
  expect(body.type).toBe('message');
  const [card] = body.attachments;
  expect(card!.contentType).toBe('application/vnd.microsoft.card.adaptive');
  expect(card!.content).toMatchObject({ type: 'AdaptiveCard', version: '1.4' });
  expect(card!.content.body.every(({ type }) => type === 'RichTextBlock')).toBe(true);
  expect(card!.content.actions).toHaveLength(1);
});

test('PagerDuty has one incident for an alert from its beginning to its end', async () => {
  const routingKey = 'a'.repeat(32);
  answer = { status: 202, text: '{"status":"success"}' };
  for (const transition of ['opened', 'acknowledged', 'resolved'] as const)
    expect(await sendPagerDuty(messageOf([toldOf({ transition })]), { url: base, routingKey }, tools)).toMatchObject({
      state: 'sent',
    });
  const bodies = seen.map(
    ({ text }) => JSON.parse(text) as { event_action: string; dedup_key: string; payload?: object },
  );
  expect(bodies.map(({ event_action }) => event_action)).toEqual(['trigger', 'acknowledge', 'resolve']);
  expect(new Set(bodies.map(({ dedup_key }) => dedup_key)).size).toBe(1);
  expect(bodies[0]!.payload).toMatchObject({ severity: 'critical', source: 'FRONT-DESK', class: 'silent' });
  expect(seen[0]!.path).toBe('/v2/enqueue');
});
