import { z } from 'zod';
import { replayDelivery } from '../../../../../server/delivery/replay-delivery.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Sends a delivery that has ended once more. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({}),
  run: async ({ services, scope, params }) => await replayDelivery(services, scope, params.id),
});
