import { z } from 'zod';
import { requestBackup } from '../../../../../server/devices/request-backup.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Asks the device to back up now. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({}),
  run: async ({ services, scope, params }) => await requestBackup(services, scope, params.id),
});
