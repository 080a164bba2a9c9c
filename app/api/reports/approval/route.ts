import { z } from 'zod';
import { approveReports } from '../../../../server/reports/approve-reports.ts';
import { handleRequest } from '../../../_server/handle-request.ts';

/** Staff give reports of a month to their customers: these, or all that wait. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.strictObject({
    month: z.string().regex(/^20\d\d-(0[1-9]|1[0-2])$/),
    reportIds: z.array(z.uuid()).min(1).max(500).nullable(),
  }),
  run: async ({ services, scope, body }) => await approveReports(services, scope, body),
});
