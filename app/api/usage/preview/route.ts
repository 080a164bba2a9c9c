import { z } from 'zod';
import { HoldfastError } from '../../../../core/base/errors.ts';
import { billingCsv, billingJson } from '../../../../server/reports/billing-tables.ts';
import { previewClose } from '../../../../server/usage/preview-close.ts';
import { handleRequest } from '../../../_server/handle-request.ts';
import { sendFile } from '../../../_server/send-file.ts';

const query = z.object({ format: z.enum(['csv', 'json']).default('csv'), customer: z.uuid().optional() });

/** What would be billed if the month closed now, of all customers or one. Staff. */
export const GET = handleRequest({
  params: z.object({}),
  run: async ({ services, scope, request }) => {
    const asked = query.safeParse(Object.fromEntries(new URL(request.url).searchParams));
    if (!asked.success) throw new HoldfastError('bad_request', 'A format is csv or json, and a customer is an id.');
    const { format, customer } = asked.data;
    const rows = await previewClose(services, scope, customer === undefined ? {} : { customerId: customer });
    const name = `usage-if-closed-${new Date(services.clock.nowMs()).toISOString().slice(0, 10)}`;
    return format === 'csv' ? sendFile(billingCsv(rows), 'csv', name) : sendFile(billingJson(rows), 'json', name);
  },
});
