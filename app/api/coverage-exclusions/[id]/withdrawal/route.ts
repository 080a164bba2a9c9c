import { z } from 'zod';
import { withdrawExclusion } from '../../../../../server/inventory/decide-exclusion.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Staff take back that something is left out: it counts again. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({}),
  run: async ({ services, scope, params }) => await withdrawExclusion(services, scope, params.id),
});
