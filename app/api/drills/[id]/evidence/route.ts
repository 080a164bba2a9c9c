import { z } from 'zod';
import { HoldfastError } from '../../../../../core/base/errors.ts';
import { viewDrill } from '../../../../../server/drills/queries.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** The drill's evidence as a file. */
export const GET = handleRequest({
  params: z.object({ id: z.uuid() }),
  run: async ({ services, scope, params }) => {
    const { evidence } = await viewDrill(services, scope, params.id);
    if (evidence === null) throw new HoldfastError('not_found', 'This drill has no evidence yet.');
    return new Response(`${evidence}\n`, {
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-disposition': `attachment; filename="drill-${params.id}.json"`,
        'cache-control': 'no-store',
      },
    });
  },
});
