import { z } from 'zod';
import { makePack } from '../../../../../server/reports/make-pack.ts';
import { readExportQuery } from '../../../../_server/export-query.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** A customer's month for an insurer or an auditor, as one archive. */
export const GET = handleRequest({
  params: z.object({ id: z.uuid() }),
  run: async ({ services, scope, params, request }) => {
    const { month } = readExportQuery(request);
    return new Response(await makePack(services, scope, params.id, month), {
      headers: {
        'content-type': 'application/zip',
        'content-disposition': `attachment; filename="holdfast-month-${month}.zip"`,
        'cache-control': 'no-store',
      },
    });
  },
});
