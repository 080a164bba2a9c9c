import { z } from 'zod';
import { DECISION_CHARS_MAX } from '../../../../../server/drills/decide-drill.ts';
import { voidVerdict } from '../../../../../server/drills/void-verdict.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** A person of the staff withdraws a drill’s verdict, with the reason. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ words: z.string().max(DECISION_CHARS_MAX) }),
  run: async ({ services, scope, params, body }) => await voidVerdict(services, scope, params.id, body.words),
});
