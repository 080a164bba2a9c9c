import { z } from 'zod';
import { readColumns } from '../../../../core/domain/fleet-filter/columns.ts';
import { parseFilter } from '../../../../core/domain/fleet-filter/parse-filter.ts';
import { requireStaff } from '../../../../server/access/scope.ts';
import { exportFleet } from '../../../../server/fleet/export-fleet.ts';
import { handleRequest } from '../../../_server/handle-request.ts';

/** The whole list as CSV: `?filter=` and `columns=` as in the address of the page. */
export const GET = handleRequest({
  params: z.object({}),
  run: async ({ services, scope, request }) => {
    requireStaff(scope);
    const { searchParams } = new URL(request.url);
    const filter = parseFilter(searchParams.get('filter') ?? '');
    const columns = readColumns((searchParams.get('columns') ?? '').split(','));
    const lines = exportFleet(services, scope, { filter, columns });
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      // A mark of the byte order: without it some spreadsheets read names with accents wrongly.
      start: (controller) => controller.enqueue(encoder.encode('\uFEFF')),
      pull: async (controller) => {
        const { value, done } = await lines.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: async () => void (await lines.return(undefined)),
    });
    return new Response(body, {
      headers: {
        'content-type': 'text/csv; charset=utf-8',
        'content-disposition': 'attachment; filename="holdfast-fleet.csv"',
        'cache-control': 'no-store',
      },
    });
  },
});
