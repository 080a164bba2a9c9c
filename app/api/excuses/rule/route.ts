import { z } from 'zod';
import { setExcuseRule } from '../../../../server/sla/excuses.ts';
import { handleRequest } from '../../../_server/handle-request.ts';

/** The owner says whether it takes two people to excuse time. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.strictObject({ needsTwo: z.boolean() }),
  run: async ({ services, scope, body }) => await setExcuseRule(services, scope, body.needsTwo),
});
