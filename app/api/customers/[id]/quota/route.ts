import { z } from 'zod';
import { setCustomerQuota } from '../../../../../server/alerts/set-quota.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** What a customer's vaults may hold together; null: nothing is agreed. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ quotaBytes: z.number().min(1).max(1e18).nullable() }),
  run: async ({ services, scope, params, body }) => await setCustomerQuota(services, scope, params.id, body.quotaBytes),
});
