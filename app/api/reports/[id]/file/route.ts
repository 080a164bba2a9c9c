import { z } from 'zod';
import { openReport } from '../../../../../server/reports/open-report.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Leads to a report as PDF, by an address that is valid for a minute. */
export const GET = handleRequest({
  params: z.object({ id: z.uuid() }),
  run: async ({ services, scope, params }) => {
    const { url } = await openReport(services, scope, params.id);
    return new Response(null, { status: 303, headers: { location: url, 'cache-control': 'no-store' } });
  },
});
