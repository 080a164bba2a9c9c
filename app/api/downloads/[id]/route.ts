import { z } from 'zod';
import { viewDownload } from '../../../../server/downloads/queries.ts';
import { handleRequest } from '../../../_server/handle-request.ts';

/** How far a download is. */
export const GET = handleRequest({
  params: z.object({ id: z.uuid() }),
  run: async ({ services, scope, params }) => await viewDownload(services, scope, params.id),
});
