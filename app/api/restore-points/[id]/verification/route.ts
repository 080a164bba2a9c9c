import { z } from 'zod';
import { requestVerification } from '../../../../../server/verification/request-verification.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Queues an integrity check of this point. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({}),
  run: async ({ services, scope, params }) => await requestVerification(services, scope, { restorePointId: params.id }),
});
