import { HoldfastError } from '../../core/base/errors.ts';
import { withAuth } from '../db/with-auth.ts';
import type { Services } from '../services.ts';
import { hashPassword, isPasswordRight } from './password.ts';
import { createSession, type SessionUser } from './session.ts';
import { SignInThrottle } from './sign-in-throttle.ts';

const throttle = new SignInThrottle();
/** Compared with when there is no such account, so that its absence takes as long as a wrong password. */
let nobody: Promise<string> | undefined;

export interface SignedIn {
  readonly user: SessionUser;
  readonly sessionToken: string;
}

/** @throws HoldfastError unauthenticated, the same for an unknown account, a wrong password and a disabled account; rate_limited. */
export async function signIn(
  services: Services,
  { email, password, ip }: { readonly email: string; readonly password: string; readonly ip: string },
): Promise<SignedIn> {
  const address = email.trim().toLowerCase();
  const key = `${address}\n${ip}`;
  throttle.begin(key, services.clock.nowMs());
  const account = await withAuth(services, { email: address }, (tx) => tx.appUser.findFirst());
  nobody ??= hashPassword('no account has this password');
  const isRight = await isPasswordRight(password, account?.passwordHash ?? (await nobody));
  if (account === null || !isRight || account.disabledAt !== null) {
    throw new HoldfastError('unauthenticated', 'E-mail address or password is wrong. Check both and try again.');
  }
  throttle.succeeded(key);
  const { tenantId, id, customerId, name, role } = account;
  const user: SessionUser = { tenantId, id, customerId, email: address, name, role: role as SessionUser['role'] }; // bound by a CHECK
  return { user, sessionToken: await createSession(services, user) };
}
