import { cookies, headers } from 'next/headers';
import { notFound, redirect } from 'next/navigation';
import { getToken } from 'next-auth/jwt';
import { cache } from 'react';
import { isHoldfastError } from '../../core/base/errors.ts';
import { isUuid } from '../../core/base/ids.ts';
import { type Scope, scopeForUser } from '../../server/access/scope.ts';
import { resolveSession } from '../../server/access/session.ts';
import type { Services } from '../../server/services.ts';
import { isVisible, type VisibleKind } from '../../server/fleet/is-visible.ts';
import { portalServices } from './portal-services.ts';

export interface SignedIn {
  readonly services: Services;
  readonly scope: Scope;
  readonly user: { readonly name: string; readonly email: string; readonly role: string };
  readonly isStaff: boolean;
}

/** Who asks, from the session's row; undefined when nobody is signed in. Once a request, however often it is called. */
export const readSession = cache(async (): Promise<SignedIn | undefined> => {
  const services = portalServices();
  const { NEXTAUTH_SECRET: secret, NEXTAUTH_URL: url } = services.env;
  if (secret === undefined) return undefined;
  const token = await getToken({
    // next-auth takes a request; it reads these two members only.
    req: { cookies: await cookies(), headers: {} } as unknown as Parameters<typeof getToken>[0]['req'],
    secret,
    secureCookie: url?.startsWith('https://') ?? false,
  });
  if (typeof token?.reference !== 'string') return undefined;
  const found = await resolveSession(services, token.reference);
  if (found === undefined) return undefined;
  const scope = scopeForUser(found);
  const { name, email, role } = found;
  return { services, scope, user: { name, email, role }, isStaff: role !== 'customer_viewer' };
});

/** The first line of every signed-in page: the scope, or off to the sign-in. */
export async function pageScope(): Promise<SignedIn> {
  const session = await readSession();
  if (session !== undefined) return session;
  const path = (await headers()).get('x-holdfast-path');
  redirect(path === null || path === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(path)}`);
}

/** For pages that only the provider's staff has; for everybody else they do not exist. */
export async function staffScope(): Promise<SignedIn> {
  const session = await pageScope();
  if (!session.isStaff) notFound();
  return session;
}

/**
 * For the layout of a page with an id: answers 404 before anything is streamed, the same for a foreign id, one that never
 * was and one that is no id at all.
 */
export async function requireVisible(kind: VisibleKind, id: string): Promise<void> {
  const { services, scope } = await pageScope();
  if (!isUuid(id) || !(await isVisible(services, scope, kind, id))) notFound();
}

/** Loads what a page shows; what does not exist inside the scope is a 404, everything else goes to the error page. */
export async function orNotFound<T>(loading: Promise<T>): Promise<T> {
  try {
    return await loading;
  } catch (error) {
    if (isHoldfastError(error, 'not_found') || isHoldfastError(error, 'forbidden')) notFound();
    throw error;
  }
}
