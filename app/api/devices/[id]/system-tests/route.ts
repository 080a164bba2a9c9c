import { z } from 'zod';
import { systemTests } from '../../../../../core/domain/system-tests.ts';
import { changeSystemTests } from '../../../../../server/drills/change-system-tests.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Says what restore tests of level 5 do with a device. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({
    version: z.int().min(0),
    tests: systemTests,
    password: z.string().min(1).max(200).optional(),
  }),
  run: async ({ services, scope, params, body }) =>
    await changeSystemTests(services, scope, { deviceId: params.id, ...body }),
});
