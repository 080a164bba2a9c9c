import { z } from 'zod';
import { changeChannel } from '../../../../server/delivery/save-channel.ts';
import { handleRequest } from '../../../_server/handle-request.ts';

/** Changes a channel: its settings, what is told through it, and its secret where a new one was entered. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({
    version: z.int(),
    name: z.string().max(200),
    settings: z.record(z.string(), z.unknown()),
    secrets: z.record(z.string(), z.string()).optional(),
    routing: z.record(z.string(), z.unknown()).optional(),
  }),
  run: async ({ services, scope, params, body: { secrets, ...body } }) =>
    await changeChannel(services, scope, params.id, { ...body, ...(secrets === undefined ? {} : { secrets }) }),
});
