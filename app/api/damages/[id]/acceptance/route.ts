import { z } from 'zod';
import { acceptLoss } from '../../../../../server/damage/accept-loss.ts';
import { DECISION_CHARS_MAX } from '../../../../../server/drills/decide-drill.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** An owner accepts that a part of the stored data is lost for good, with the reason. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ words: z.string().max(DECISION_CHARS_MAX) }),
  run: async ({ services, scope, params, body }) => await acceptLoss(services, scope, params.id, body.words),
});
