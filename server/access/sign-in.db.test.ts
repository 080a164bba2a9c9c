import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type pg from 'pg';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { hashPassword } from './password.ts';
import { resolveSession, revokeSession } from './session.ts';
import { signIn } from './sign-in.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

let services: StartedTestServices;
let tenant: TestTenant;
let admin: pg.Client;
let email: string;
const password = 'a long enough password';

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  tenant = await createTestTenant(services, 'people');
  email = `owner-${tenant.id}@x.test`;
  await admin.query('UPDATE app_user SET password_hash = $1 WHERE email = $2', [await hashPassword(password), email]);
});
afterAll(() => services.stop());

describe('signing in', () => {
  test('gives a session that names the account and its walls', async () => {
    const { sessionToken, user } = await signIn(services, {
      email: ` ${email.toUpperCase()} `,
      password,
      ip: '10.0.0.1',
    });
    expect(user).toMatchObject({ tenantId: tenant.id, customerId: null, role: 'owner' });
    expect(await resolveSession(services, sessionToken)).toMatchObject({ email, role: 'owner' });
    const { rows } = await admin.query('SELECT token_hash FROM user_session');
    expect(JSON.stringify(rows)).not.toContain(sessionToken);
  });

  test('answers the same to a wrong password and to an unknown account', async () => {
    const wrong = await signIn(services, { email, password: 'wrong', ip: '10.0.0.2' }).catch((error: unknown) => error);
    const unknown = await signIn(services, { email: 'nobody@x.test', password, ip: '10.0.0.2' }).catch(
      (error: unknown) => error,
    );
    expect(wrong).toMatchObject({ code: 'unauthenticated' });
    expect((unknown as Error).message).toBe((wrong as Error).message);
  });

  test('slows a guesser, and not the real user at another address (S7)', async () => {
    const guess = async (): Promise<string> =>
      await signIn(services, { email, password: 'guess', ip: '10.6.6.6' }).then(
        () => 'in',
        (error: { code: string }) => error.code,
      );
    const codes: string[] = [];
    for (let tries = 0; tries < 12; tries += 1) codes.push(await guess());
    expect(codes.filter((code) => code === 'unauthenticated')).toHaveLength(5);
    expect(codes.at(-1)).toBe('rate_limited');
    await expect(signIn(services, { email, password, ip: '10.0.0.3' })).resolves.toMatchObject({ user: { email } });
  });
});

describe('a thousand guesses at once', () => {
  test('are slowed as well: at most five are compared (S7)', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 1000 }, () =>
        signIn(services, { email, password: 'guess', ip: '10.7.7.7' }).then(
          () => 'in',
          (error: { code: string }) => error.code,
        ),
      ),
    );
    expect(outcomes.filter((code) => code === 'unauthenticated').length).toBeLessThanOrEqual(5);
    expect(new Set(outcomes)).toEqual(new Set(['unauthenticated', 'rate_limited']));
  });
});

describe('a session', () => {
  test('ends with the next request once it is revoked (S10)', async () => {
    const { sessionToken } = await signIn(services, { email, password, ip: '10.0.0.4' });
    await revokeSession(services, sessionToken);
    expect(await resolveSession(services, sessionToken)).toBeUndefined();
  });

  test('ends when the account is disabled', async () => {
    const { sessionToken } = await signIn(services, { email, password, ip: '10.0.0.5' });
    await admin.query('UPDATE app_user SET disabled_at = now() WHERE email = $1', [email]);
    expect(await resolveSession(services, sessionToken)).toBeUndefined();
    await expect(signIn(services, { email, password, ip: '10.0.0.5' })).rejects.toMatchObject({
      code: 'unauthenticated',
    });
    await admin.query('UPDATE app_user SET disabled_at = NULL WHERE email = $1', [email]);
  });

  test('ends after two idle hours', async () => {
    const { sessionToken } = await signIn(services, { email, password, ip: '10.0.0.6' });
    services.clock.advance(2 * 60 * 60_000 + 1000);
    expect(await resolveSession(services, sessionToken)).toBeUndefined();
  });

  test('does not begin with a token that nobody gave out', async () => {
    expect(await resolveSession(services, 'x'.repeat(43))).toBeUndefined();
    expect(await resolveSession(services, '')).toBeUndefined();
  });
});
