import { z } from 'zod';
import { sendAgain } from '../../../../../server/queues/send-again.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Has a job that was given up done after all. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({}),
  run: async ({ services, scope, params }) => await sendAgain(services, scope, params.id),
});
