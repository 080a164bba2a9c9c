import { expect, test } from 'vitest';
import { ERROR_CODES, HoldfastError } from '../core/base/errors.ts';
import { refusal } from '../core/protocol/messages.ts';
import { PROTOCOL_SUPPORTED } from '../core/protocol/version.ts';
import { refusalFor } from './refusals.ts';

test('every error code has a status, an action and a body that the protocol allows', () => {
  for (const code of ERROR_CODES) {
    const { status, body } = refusalFor(new HoldfastError(code, 'What happened, and what to do.'), 1234);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(refusal.parse(JSON.parse(JSON.stringify(body))).error).toMatchObject({ code, serverTimeMs: 1234 });
  }
});

test('an unexpected error lets nothing of its cause out', () => {
  const { status, body } = refusalFor(new TypeError('password=hunter2 at /srv/secret.ts'), 0);
  expect(status).toBe(500);
  expect(body.error.code).toBe('internal');
  expect(JSON.stringify(body)).not.toMatch(/hunter2|secret\.ts/);
});

test('neither the cause nor the detail of a known error leaves the service', () => {
  const error = new HoldfastError('conflict', 'Public.', { cause: new Error('inner'), detail: { secret: 'hidden' } });
  expect(JSON.stringify(refusalFor(error, 0).body)).not.toMatch(/inner|hidden/);
});

test('a passing trouble says when to come back, an old agent which versions are spoken', () => {
  expect(refusalFor(new HoldfastError('storage_unavailable', 'x'), 0)).toMatchObject({
    status: 503,
    headers: { 'retry-after': '5' },
    body: { error: { action: 'retry', retryAfterSeconds: 5 } },
  });
  const limited = new HoldfastError('rate_limited', 'x', { detail: { retryAfterSeconds: 30.2 } });
  expect(refusalFor(limited, 0)).toMatchObject({ status: 429, headers: { 'retry-after': '31' } });
  expect(refusalFor(new HoldfastError('protocol_unsupported', 'x'), 0)).toMatchObject({
    status: 426,
    body: { error: { action: 'update_agent', supported: PROTOCOL_SUPPORTED } },
  });
  const large = new HoldfastError('bad_request', 'x', { detail: { tooLarge: true } });
  expect(refusalFor(large, 0).status).toBe(413);
});
