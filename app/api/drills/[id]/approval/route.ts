import { z } from 'zod';
import { approveDrill, DECISION_CHARS_MAX } from '../../../../../server/drills/decide-drill.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** A person of the staff accepts a drill with its verdict. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ words: z.string().max(DECISION_CHARS_MAX).nullable() }),
  run: async ({ services, scope, params, body }) => await approveDrill(services, scope, params.id, body.words),
});
