import { z } from 'zod';
import { recomputeMonth } from '../../../../../../server/sla/compute-month.ts';
import { handleRequest } from '../../../../../_server/handle-request.ts';

/** Computes a month from its rows once more, and says what differs from what was said at its close. Nothing is written. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/) }),
  run: async ({ services, scope, params, body }) => await recomputeMonth(services, scope, params.id, body.month),
});
