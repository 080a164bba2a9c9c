import { z } from 'zod';
import { withdrawExcuse } from '../../../../../server/sla/excuses.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Staff take an excuse back: its time counts again. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ words: z.string().max(4000) }),
  run: async ({ services, scope, params, body }) => await withdrawExcuse(services, scope, params.id, body.words),
});
