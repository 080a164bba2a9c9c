import { z } from 'zod';
import { makeBundle } from '../../../../../server/evidence/make-bundle.ts';
import { sendBundle } from '../../../../_server/send-bundle.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** The evidence of a damage and of what became of it, as a file that anybody can check. */
export const GET = handleRequest({
  params: z.object({ id: z.uuid() }),
  run: async ({ services, scope, params }) =>
    sendBundle(await makeBundle(services, scope, { damageId: params.id }), `damage-${params.id}`),
});
