import { z } from 'zod';
import { excludeFromCoverage } from '../../../../../server/inventory/decide-exclusion.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Staff decide that a volume or a database server of a device need not be backed up, and say why. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({
    kind: z.enum(['volume', 'database']),
    subject: z.string().min(1).max(2000),
    words: z.string().max(4000),
  }),
  run: async ({ services, scope, params, body }) => await excludeFromCoverage(services, scope, params.id, body),
});
