import { z } from 'zod';
import { requestDownload } from '../../../../../server/downloads/request-download.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Asks a worker to prepare a file, or a folder as zip, of this point. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ path: z.string().min(1).max(8192).startsWith('/'), kind: z.enum(['file', 'zip']) }),
  run: async ({ services, scope, params, body }) =>
    await requestDownload(services, scope, { restorePointId: params.id, ...body }),
});
