import type { z } from 'zod';
import { type ErrorCode, HoldfastError, isHoldfastError, publicMessage } from '../../core/base/errors.ts';
import type { Scope } from '../../server/access/scope.ts';
import type { Services } from '../../server/services.ts';
import { portalServices } from './portal-services.ts';
import { isSameOrigin } from './request-origin.ts';
import { readSession } from './session.ts';

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  bad_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  vault_quarantined: 409,
  rate_limited: 429,
  storage_unavailable: 503,
};

/** Bodies of the portal are small forms; a longer one is refused before it is parsed. */
const BODY_CHARS_MAX = 64 * 1024;

export interface Asked<Params, Body> {
  readonly services: Services;
  readonly scope: Scope;
  readonly params: Params;
  readonly body: Body;
  readonly request: Request;
}

interface RouteContext {
  /** Routes without a variable part have none. */
  readonly params: Promise<Record<string, string | string[] | undefined> | undefined>;
}

/**
 * The one frame of all route handlers: origin (everything but GET), session, strict input, one call, public errors. The value
 * that `run` returns is sent as JSON; a Response is sent as it is.
 */
export function handleRequest<Params, Body = undefined>(declaration: {
  readonly params: z.ZodType<Params>;
  readonly body?: z.ZodType<Body>;
  /** Where a form carries a picture. */
  readonly bodyCharsMax?: number;
  readonly run: (asked: Asked<Params, Body>) => Promise<unknown>;
}): (request: Request, context: RouteContext) => Promise<Response> {
  return async (request, context) => {
    try {
      if (request.method !== 'GET') requireOwnPage(request);
      const session = await readSession();
      if (session === undefined) throw new HoldfastError('unauthenticated', 'Sign in again; your session has ended.');
      // An id of the wrong form exists no more than a foreign one: the same answer for both.
      const params = declaration.params.safeParse((await context.params) ?? {});
      if (!params.success) throw new HoldfastError('not_found', 'There is nothing here.');
      const body =
        declaration.body === undefined
          ? undefined
          : await parseBody(request, declaration.body, declaration.bodyCharsMax);
      const { services, scope } = session;
      const answer = await declaration.run({ services, scope, params: params.data, body: body as Body, request });
      return answer instanceof Response ? answer : json(answer ?? {}, 200);
    } catch (error) {
      return refuse(error);
    }
  };
}

function requireOwnPage(request: Request): void {
  const isJson = request.headers.get('content-type')?.split(';')[0]?.trim() === 'application/json';
  if (isJson && isSameOrigin(request.headers)) return;
  throw new HoldfastError(
    'forbidden',
    'This request did not come from a page of the portal. Reload the page and try again.',
  );
}

async function parseBody<T>(request: Request, schema: z.ZodType<T>, charsMax = BODY_CHARS_MAX): Promise<T> {
  const text = await request.text();
  if (text.length > charsMax) throw new HoldfastError('bad_request', 'This is more than the form can take.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new HoldfastError('bad_request', 'The request could not be read.', { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  // A rule of our own says what is wrong in words; what the library says is for programmers.
  if (issue?.code === 'custom') throw new HoldfastError('bad_request', issue.message);
  throw new HoldfastError(
    'bad_request',
    `${field === '' ? 'The request' : `The field “${field}”`} is not as expected.`,
    {
      detail: { issues: parsed.error.issues },
    },
  );
}

function refuse(error: unknown): Response {
  // Anything that is not ours is a defect: logged with its cause, and told without it.
  const code = isHoldfastError(error) ? error.code : 'internal';
  const status = STATUS[code] ?? 500;
  if (status >= 500) portalServices().log.error({ err: error }, 'a portal request failed');
  // A foreign thing answers exactly like one that never was, whatever a use-case said of it.
  const message = code === 'not_found' ? 'There is nothing here.' : publicMessage(error);
  return json({ error: { code, message } }, status);
}

function json(value: unknown, status: number): Response {
  return Response.json(value, { status, headers: { 'cache-control': 'no-store' } });
}
