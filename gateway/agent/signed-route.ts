/** A message of a known device: authenticate, parse, one function of the server, check the answer. */
import type { Context, Handler } from 'hono';
import type { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import { isUuid } from '../../core/base/ids.ts';
import { type AuthenticatedDevice, authenticateDevice } from '../../server/devices/authenticate-device.ts';
import type { Services } from '../../server/services.ts';
import type { GatewayEnvironment } from '../gateway-environment.ts';
import { withBody } from '../request-body.ts';
import { checkAnswer, parseBody } from './protocol-body.ts';

export interface Caller {
  readonly services: Services;
  readonly scope: AuthenticatedDevice['scope'];
  /** The path's `:id`, a UUID; empty where the path has none. */
  readonly id: string;
}

export interface SignedRoute<Request extends z.ZodType, Response extends z.ZodType> {
  /** Null for a GET, which has no body. */
  readonly request: Request | null;
  readonly response: Response;
  readonly bodyBytesMax: number;
  handle(caller: Caller, body: z.output<Request>): Promise<z.input<Response>>;
}

export function signedRoute<Request extends z.ZodType, Response extends z.ZodType>(
  route: SignedRoute<Request, Response>,
): Handler<GatewayEnvironment> {
  return async (c) => {
    const { incoming } = c.env;
    return await withBody(incoming, route.bodyBytesMax, c.get('bodyBudget'), async (body) => {
      const services = c.get('services');
      // Who is it comes before what is it: a stranger learns nothing about messages.
      const { scope } = await authenticateDevice(services, {
        method: c.req.method,
        // As it came over the wire: the signature is over these very characters.
        target: incoming.url ?? '',
        headers: incoming.headers,
        body,
      });
      c.set('deviceId', scope.deviceId);
      const caller: Caller = { services, scope, id: idOf(c) };
      const message = (route.request === null ? undefined : parseBody(route.request, body)) as z.output<Request>;
      return c.json(checkAnswer(route.response, await route.handle(caller, message)) as object);
    });
  };
}

function idOf(c: Context<GatewayEnvironment>): string {
  const id = c.req.param('id');
  if (id === undefined) return '';
  if (!isUuid(id)) throw new HoldfastError('not_found', 'There is nothing under this address.');
  return id;
}
