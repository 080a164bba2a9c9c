import NextAuth from 'next-auth';
import type { NextRequest } from 'next/server';
import { authOptions } from '../../../_server/auth-options.ts';
import { isSameOrigin } from '../../../_server/request-origin.ts';

interface Context {
  readonly params: Promise<{ nextauth: string[] }>;
}

async function handle(request: NextRequest, context: Context): Promise<Response> {
  // The router of next-auth is untyped; with a request and a context it answers with a Response.
  return (await NextAuth(request, context, authOptions())) as Response;
}

export const GET = handle;

/** next-auth has its own token against forged requests; ours is checked first, as for every other POST (S14). */
export async function POST(request: NextRequest, context: Context): Promise<Response> {
  if (isSameOrigin(request.headers)) return await handle(request, context);
  return Response.json(
    { error: { code: 'forbidden', message: 'This request did not come from a page of the portal.' } },
    { status: 403 },
  );
}
