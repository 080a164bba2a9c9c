import { randomBytes } from 'node:crypto';
import { type NextRequest, NextResponse } from 'next/server';

/**
 * Gives each page its content security policy. Nothing is authorised here: pages and routes check the session's row
 * themselves (S18), because a proxy can be bypassed.
 *
 * Scripts and style sheets need the nonce. Style *attributes* are allowed, because the component library positions pop-ups and
 * sets sizes with them and a nonce cannot mark an attribute; they cannot load or run anything.
 */
export function proxy(request: NextRequest): NextResponse {
  const nonce = randomBytes(16).toString('base64');
  const isDevelopment = process.env.NODE_ENV === 'development';
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${isDevelopment ? " 'unsafe-eval'" : ''}`,
    `style-src 'self' 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
  const headers = new Headers(request.headers);
  headers.set('x-nonce', nonce);
  // Where to go on after the sign-in.
  headers.set('x-holdfast-path', request.nextUrl.pathname + request.nextUrl.search);
  // Next reads the nonce for its own script elements from this request header.
  headers.set('content-security-policy', policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set('content-security-policy', policy);
  return response;
}

/**
 * Pages only: built files carry hashes in their names, answers of /api are data that no browser renders, and the page that checks
 * evidence has a stricter policy of its own (app/verify).
 */
export const config = { matcher: ['/((?!_next/static|_next/image|api/|verify$|favicon.ico|icon.svg).*)'] };
