import { z } from 'zod';
import { HoldfastError } from '../../../../../core/base/errors.ts';
import { coverageCsv, coverageJson } from '../../../../../server/inventory/coverage-tables.ts';
import { viewCoverage } from '../../../../../server/inventory/view-coverage.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';
import { sendFile } from '../../../../_server/send-file.ts';

const formats = z.enum(['csv', 'json']).default('csv');

/** What of a customer's machines is protected and what is not, as a table or as JSON. */
export const GET = handleRequest({
  params: z.object({ id: z.uuid() }),
  run: async ({ services, scope, params, request }) => {
    const format = formats.safeParse(new URL(request.url).searchParams.get('format') ?? undefined);
    if (!format.success) throw new HoldfastError('bad_request', 'A format is csv or json.');
    const view = await viewCoverage(services, scope, params.id);
    return format.data === 'csv'
      ? sendFile(coverageCsv(view), 'csv', 'coverage')
      : sendFile(coverageJson(view), 'json', 'coverage');
  },
});
