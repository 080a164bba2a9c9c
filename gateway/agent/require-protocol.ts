import { createMiddleware } from 'hono/factory';
import { HoldfastError } from '../../core/base/errors.ts';
import { HEADER } from '../../core/protocol/signed-request.ts';
import { isProtocolSupported, PROTOCOL_REVISION, PROTOCOL_SUPPORTED } from '../../core/protocol/version.ts';
import type { GatewayEnvironment } from '../gateway-environment.ts';

/** The first thing looked at, so that an agent of another age learns that, and not that its message looks odd. */
export const requireProtocol = createMiddleware<GatewayEnvironment>(async (c, next) => {
  c.header(HEADER.revision, String(PROTOCOL_REVISION));
  const version = Number(c.req.header(HEADER.protocol) ?? Number.NaN);
  if (!isProtocolSupported(version)) {
    const { min, max }: { min: number; max: number } = PROTOCOL_SUPPORTED;
    const range = min === max ? `version ${min}` : `versions ${min} to ${max}`;
    throw new HoldfastError(
      'protocol_unsupported',
      Number.isInteger(version)
        ? `This service speaks ${range} of the agent protocol, the agent version ${version}. Update the ${version < min ? 'agent' : 'service'}.`
        : `This request does not say which version of the agent protocol it speaks; this service speaks ${range}.`,
    );
  }
  await next();
});
