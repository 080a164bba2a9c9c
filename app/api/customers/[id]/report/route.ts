import { z } from 'zod';
import { buildMonthReport } from '../../../../../server/reports/build-month-report.ts';
import { monthJson, monthTableCsv } from '../../../../../server/reports/month-tables.ts';
import { readExportQuery } from '../../../../_server/export-query.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';
import { sendFile } from '../../../../_server/send-file.ts';

/** A customer's month as JSON, or one of its tables as CSV. */
export const GET = handleRequest({
  params: z.object({ id: z.uuid() }),
  run: async ({ services, scope, params, request }) => {
    const { month, table } = readExportQuery(request);
    const report = await buildMonthReport(services, scope, params.id, month);
    return table === undefined
      ? sendFile(monthJson(report), 'json', `report-${month}`)
      : sendFile(monthTableCsv(report, table), 'csv', `${table}-${month}`);
  },
});
