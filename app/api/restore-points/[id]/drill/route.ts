import { z } from 'zod';
import { requestDrill } from '../../../../../server/drills/request-drill.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Queues a restore drill of this point. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({}),
  run: async ({ services, scope, params }) => await requestDrill(services, scope, { restorePointId: params.id }),
});
