import { z } from 'zod';
import { remediateDrill, DECISION_CHARS_MAX } from '../../../../../server/drills/decide-drill.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** A person of the staff says what was done about a drill. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ words: z.string().max(DECISION_CHARS_MAX) }),
  run: async ({ services, scope, params, body }) => await remediateDrill(services, scope, params.id, body.words),
});
