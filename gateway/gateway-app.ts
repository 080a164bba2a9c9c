/** Everything the gateway answers, as one app; main.ts gives it a port. */
import { Hono } from 'hono';
import { HoldfastError } from '../core/base/errors.ts';
import type { Services } from '../server/services.ts';
import { addAgentRoutes } from './agent/agent-routes.ts';
import { requireProtocol } from './agent/require-protocol.ts';
import type { GatewayEnvironment } from './gateway-environment.ts';
import { addHealthRoutes } from './health-routes.ts';
import { createObjectEndpoint } from './object-endpoint.ts';
import { endUnreadBody, isOwnFault, refusalFor } from './refusals.ts';
import { BodyBudget } from './request-body.ts';

/** Bodies in memory over all requests; one commit of the largest size fits, ordinary messages always do. */
const BODY_BYTES_IN_MEMORY_MAX = 512 * 1024 * 1024;

export interface GatewayAppOptions {
  /** 32 bytes; given where the embedded store is used, whose URLs this gateway serves. */
  readonly objectSigningKey?: Uint8Array;
}

export function createGatewayApp(services: Services, options: GatewayAppOptions): Hono<GatewayEnvironment> {
  const { log, clock, store } = services;
  const bodyBudget = new BodyBudget(BODY_BYTES_IN_MEMORY_MAX);
  const app = new Hono<GatewayEnvironment>();

  app.use(async (c, next) => {
    const startMs = performance.now();
    c.set('services', services);
    c.set('bodyBudget', bodyBudget);
    await next();
    // Health checks come every few seconds and say nothing. Objects are told by the path alone: the query is the key.
    if (c.req.path.startsWith('/agent/') && c.res.status < 400) {
      const fields = { method: c.req.method, path: c.req.path, status: c.res.status, deviceId: c.get('deviceId') };
      log.debug({ ...fields, ms: Math.round(performance.now() - startMs) }, 'request');
    }
  });
  app.onError((error, c) => {
    const { status, body, headers } = refusalFor(error, clock.nowMs());
    const { code } = body.error;
    const fields = { method: c.req.method, path: c.req.path, status, code, deviceId: c.get('deviceId'), err: error };
    const detail = error instanceof HoldfastError ? { detail: error.detail } : {};
    if (isOwnFault(status)) log.error({ ...fields, ...detail }, 'request failed');
    else log.info({ ...fields, ...detail }, 'request refused');
    return c.json(body, status, { ...headers, ...endUnreadBody(c.env.incoming) });
  });
  app.notFound(() => {
    throw new HoldfastError('not_found', 'There is nothing under this address.');
  });

  addHealthRoutes(app);
  app.use('/agent/*', requireProtocol);
  addAgentRoutes(app);
  if (options.objectSigningKey !== undefined)
    app.route('/', createObjectEndpoint({ store, signingKey: options.objectSigningKey, clock, log }));
  return app;
}
