import { z } from 'zod';
import { parseFilter } from '../../../core/domain/fleet-filter/parse-filter.ts';
import { listFleet } from '../../../server/fleet/list-fleet.ts';
import { handleRequest } from '../../_server/handle-request.ts';

/** A page of the fleet list: `?filter=` in the filter language, `after=` the `next` of the page before. */
export const GET = handleRequest({
  params: z.object({}),
  run: async ({ services, scope, request }) => {
    const { searchParams } = new URL(request.url);
    return await listFleet(services, scope, {
      filter: parseFilter(searchParams.get('filter') ?? ''),
      after: searchParams.get('after'),
    });
  },
});
