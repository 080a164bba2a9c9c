import { z } from 'zod';
import { DEVICE_CLASSES } from '../../../../../core/domain/alerts/rules.ts';
import { setDeviceClass } from '../../../../../server/devices/set-device-class.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Says whether a device is a server or a workstation; null: let the service guess. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({ deviceClass: z.enum(DEVICE_CLASSES).nullable() }),
  run: async ({ services, scope, params, body }) => await setDeviceClass(services, scope, params.id, body.deviceClass),
});
