import { z } from 'zod';
import { removeFleetView } from '../../../../../server/fleet/save-view.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({}),
  run: async ({ services, scope, params }) => await removeFleetView(services, scope, params.id),
});
