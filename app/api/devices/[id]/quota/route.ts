import { z } from 'zod';
import { setVaultQuota } from '../../../../../server/alerts/set-quota.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** What the vault of a device may hold; null: nothing is agreed. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ quotaBytes: z.number().min(1).max(1e18).nullable() }),
  run: async ({ services, scope, params, body }) => await setVaultQuota(services, scope, params.id, body.quotaBytes),
});
