import { loadEnv } from '../../server/env.ts';
import { createServices, type Services } from '../../server/services.ts';

// Kept on the global object: the bundler may evaluate this module more than once, and each set of services holds connections.
const holder = globalThis as { holdfastPortalServices?: Services };

/** The services of this process, made on the first request, so that a build needs no environment. */
export function portalServices(): Services {
  holder.holdfastPortalServices ??= createServices(loadEnv());
  return holder.holdfastPortalServices;
}
