import { z } from 'zod';
import { grantRestore } from '../../../../../server/restores/grant-restore.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

const absolutePath = z.string().min(2).max(4096).startsWith('/');

/** Allows the device to restore from this point and tells it to. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ paths: z.array(absolutePath).max(1000), targetPath: absolutePath }),
  run: async ({ services, scope, params, body }) =>
    await grantRestore(services, scope, { restorePointId: params.id, ...body }),
});
