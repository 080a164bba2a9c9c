import { z } from 'zod';
import { viewDelivery } from '../../../../server/delivery/queries.ts';
import { handleRequest } from '../../../_server/handle-request.ts';

/** What became of a delivery. */
export const GET = handleRequest({
  params: z.object({ id: z.uuid() }),
  run: async ({ services, scope, params }) => await viewDelivery(services, scope, params.id),
});
