import { z } from 'zod';
import { createChannel } from '../../../server/delivery/save-channel.ts';
import { handleRequest } from '../../_server/handle-request.ts';

/** Sets up a channel. A webhook's signing secret is in the answer, this once. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.strictObject({
    kind: z.string().max(32),
    name: z.string().max(200),
    settings: z.record(z.string(), z.unknown()),
    secrets: z.record(z.string(), z.string()),
  }),
  run: async ({ services, scope, body }) => await createChannel(services, scope, body),
});
