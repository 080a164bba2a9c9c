import { z } from 'zod';
import { openDownload } from '../../../../../server/downloads/open-download.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Leads to the prepared file in the object store, by an address that is valid for a minute. */
export const GET = handleRequest({
  params: z.object({ id: z.uuid() }),
  run: async ({ services, scope, params }) => {
    const { url } = await openDownload(services, scope, params.id);
    return new Response(null, { status: 303, headers: { location: url, 'cache-control': 'no-store' } });
  },
});
