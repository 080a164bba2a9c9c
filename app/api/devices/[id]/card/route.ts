import { z } from 'zod';
import { writeCard } from '../../../../../server/devices/write-card.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Writes the note of a device and its values of the provider's own columns. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({
    note: z.string().max(4000),
    values: z.record(z.string().max(40), z.union([z.string().max(400), z.number()])),
  }),
  run: async ({ services, scope, params, body }) => await writeCard(services, scope, params.id, body),
});
