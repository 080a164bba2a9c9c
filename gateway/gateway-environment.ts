import type { HttpBindings } from '@hono/node-server';
import type { Services } from '../server/services.ts';
import type { BodyBudget } from './request-body.ts';

/** What every handler of the gateway finds in its context. */
export interface GatewayEnvironment {
  Bindings: HttpBindings;
  Variables: {
    services: Services;
    bodyBudget: BodyBudget;
    /** Set once a request is authenticated, for the log. */
    deviceId?: string;
  };
}
