import { z } from 'zod';
import { makeBundle } from '../../../../../server/evidence/make-bundle.ts';
import { sendBundle } from '../../../../_server/send-bundle.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** The drill's evidence as a file that anybody can check: holdfast verify-evidence, or the page /verify. */
export const GET = handleRequest({
  params: z.object({ id: z.uuid() }),
  run: async ({ services, scope, params }) =>
    sendBundle(await makeBundle(services, scope, { drillId: params.id }), `drill-${params.id}`),
});
