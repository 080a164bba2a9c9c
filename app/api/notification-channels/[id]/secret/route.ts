import { z } from 'zod';
import { rotateSigningSecret } from '../../../../../server/delivery/save-channel.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** A new signing secret; the old one stays valid for a day. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({}),
  run: async ({ services, scope, params }) => await rotateSigningSecret(services, scope, params.id),
});
