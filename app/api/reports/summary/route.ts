import { z } from 'zod';
import { executiveSummary, summaryCsv } from '../../../../server/reports/executive-summary.ts';
import { readExportQuery } from '../../../_server/export-query.ts';
import { handleRequest } from '../../../_server/handle-request.ts';
import { sendFile } from '../../../_server/send-file.ts';

/** All customers of a month beside the month before, for staff. */
export const GET = handleRequest({
  params: z.object({}),
  run: async ({ services, scope, request }) => {
    const { month, format } = readExportQuery(request);
    const summary = await executiveSummary(services, scope, month);
    return format === 'csv'
      ? sendFile(summaryCsv(summary), 'csv', `summary-${month}`)
      : sendFile(`${JSON.stringify(summary, null, 2)}\n`, 'json', `summary-${month}`);
  },
});
