import { z } from 'zod';
import { testChannel } from '../../../../../server/delivery/test-channel.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Sends a test through a channel; its answer is read at the delivery. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({}),
  run: async ({ services, scope, params }) => await testChannel(services, scope, params.id),
});
