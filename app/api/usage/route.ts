import { z } from 'zod';
import { usageCsv, usageJson } from '../../../server/reports/usage-tables.ts';
import { listUsage } from '../../../server/usage/list-usage.ts';
import { readExportQuery } from '../../_server/export-query.ts';
import { handleRequest } from '../../_server/handle-request.ts';
import { sendFile } from '../../_server/send-file.ts';

/** What customers used in a month: for staff all of them or one, for a customer itself. */
export const GET = handleRequest({
  params: z.object({}),
  run: async ({ services, scope, request }) => {
    const { month, format, customer } = readExportQuery(request);
    const rows = await listUsage(services, scope, month, customer === undefined ? {} : { customerId: customer });
    return format === 'csv'
      ? sendFile(usageCsv(rows), 'csv', `usage-${month}`)
      : sendFile(usageJson(rows), 'json', `usage-${month}`);
  },
});
