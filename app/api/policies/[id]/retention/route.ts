import { z } from 'zod';
import { retentionTerms } from '../../../../../core/domain/policy.ts';
import { changeRetention } from '../../../../../server/policies/change-retention.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Changes which restore points a policy keeps. Removes none. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ version: z.int(), retention: retentionTerms.nullable() }),
  run: async ({ services, scope, params, body }) =>
    await changeRetention(services, scope, { policyId: params.id, ...body }),
});
