import { z } from 'zod';
import { tagDevice } from '../../../../../server/devices/tag-device.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Sets the tags of a device. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ tags: z.array(z.string().max(60)).max(40) }),
  run: async ({ services, scope, params, body }) => await tagDevice(services, scope, params.id, body.tags),
});
