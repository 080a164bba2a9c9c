import { z } from 'zod';
import { removeOwnField } from '../../../../../server/fleet/own-fields.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Removes a column with what devices have in it. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({}),
  run: async ({ services, scope, params }) => await removeOwnField(services, scope, params.id),
});
