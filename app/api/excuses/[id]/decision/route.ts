import { z } from 'zod';
import { decideExcuse } from '../../../../../server/sla/excuses.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Staff approve or refuse that a time shall not count. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ isApproved: z.boolean(), words: z.string().max(4000).nullable() }),
  run: async ({ services, scope, params, body }) => await decideExcuse(services, scope, params.id, body),
});
