import type { NextAuthOptions } from 'next-auth';
import CredentialsProvider from 'next-auth/providers/credentials';
import { z } from 'zod';
import { isHoldfastError } from '../../core/base/errors.ts';
import { resolveSession, revokeSession } from '../../server/access/session.ts';
import { signIn } from '../../server/access/sign-in.ts';
import { portalServices } from './portal-services.ts';

/** As long as our own session row may live; the row is what counts. */
const SESSION_SECONDS = 12 * 3600;

const credentials = z.object({ email: z.string().min(3).max(254), password: z.string().min(1).max(1000) });

/**
 * next-auth carries one thing: the reference token of our own session row, inside its encrypted cookie. The row is checked on
 * every request (session.ts), so a revoked session ends with the next one. Nothing about the person is believed from the cookie.
 */
export function authOptions(): NextAuthOptions {
  const services = portalServices();
  return {
    ...(services.env.NEXTAUTH_SECRET === undefined ? {} : { secret: services.env.NEXTAUTH_SECRET }),
    session: { strategy: 'jwt', maxAge: SESSION_SECONDS },
    pages: { signIn: '/sign-in', signOut: '/sign-in', error: '/sign-in' },
    providers: [
      CredentialsProvider({
        name: 'Password',
        credentials: { email: {}, password: {} },
        authorize: async (given, request) => {
          const parsed = credentials.safeParse(given);
          if (!parsed.success) return null;
          try {
            const { user, sessionToken } = await signIn(services, {
              ...parsed.data,
              ip: clientAddress(request.headers),
            });
            return { id: user.id, sessionToken };
          } catch (error) {
            if (isHoldfastError(error, 'unauthenticated')) return null;
            if (isHoldfastError(error, 'rate_limited')) throw new Error('RateLimited');
            services.log.error({ err: error }, 'sign-in failed');
            throw new Error('Unavailable');
          }
        },
      }),
    ],
    callbacks: {
      jwt: ({ token, user }) => {
        const reference = (user as { sessionToken?: string } | undefined)?.sessionToken;
        return reference === undefined ? token : { reference };
      },
      session: async ({ session, token }) => {
        const found = typeof token.reference === 'string' ? await resolveSession(services, token.reference) : undefined;
        // Only what the browser may know; without a valid row nothing at all.
        return { expires: session.expires, ...(found === undefined ? {} : { user: { name: found.name } }) };
      },
    },
    events: {
      signOut: async ({ token }) => {
        if (typeof token.reference === 'string') await revokeSession(services, token.reference);
      },
    },
  };
}

/** The address that the nearest proxy saw; earlier entries of the header are the visitor's own word. */
function clientAddress(headers: Record<string, unknown> | undefined): string {
  const forwarded = headers?.['x-forwarded-for'];
  const last = typeof forwarded === 'string' ? forwarded.split(',').at(-1)?.trim() : undefined;
  return last === undefined || last === '' ? 'unknown' : last;
}
