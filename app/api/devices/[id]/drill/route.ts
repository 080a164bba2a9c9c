import { z } from 'zod';
import { requestDrill } from '../../../../../server/drills/request-drill.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Queues a restore drill of one of the device's restore points. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({
    level: z.union([z.literal(3), z.literal(4), z.literal(5)]).optional(),
    scope: z.enum(['sample', 'full']).optional(),
    point: z.enum(['latest', 'random', 'oldest']).optional(),
  }),
  run: async ({ services, scope, params, body }) =>
    await requestDrill(services, scope, { deviceId: params.id, ...body }),
});
