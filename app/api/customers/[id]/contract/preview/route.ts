import { z } from 'zod';
import { slaTerms } from '../../../../../../core/domain/sla/contract.ts';
import { tryTerms } from '../../../../../../server/sla/compute-month.ts';
import { handleRequest } from '../../../../../_server/handle-request.ts';

/** What a month would have been under other terms. Nothing is written. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ terms: slaTerms, month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/) }),
  run: async ({ services, scope, params, body }) => await tryTerms(services, scope, params.id, body),
});
