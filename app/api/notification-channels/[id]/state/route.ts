import { z } from 'zod';
import { setChannelState } from '../../../../../server/delivery/save-channel.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Switches a channel on or off, or removes it. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ state: z.enum(['on', 'off', 'removed']) }),
  run: async ({ services, scope, params, body }) => await setChannelState(services, scope, params.id, body.state),
});
