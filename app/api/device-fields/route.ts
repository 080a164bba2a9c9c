import { z } from 'zod';
import { OWN_FIELD_KINDS } from '../../../core/domain/fleet-filter/own-fields.ts';
import { saveOwnField } from '../../../server/fleet/own-fields.ts';
import { handleRequest } from '../../_server/handle-request.ts';

/** Defines a column for devices, or changes what it is called and its choices. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.strictObject({
    id: z.uuid().nullable(),
    label: z.string().max(200),
    kind: z.enum(OWN_FIELD_KINDS),
    choices: z.array(z.string().max(200)).max(100),
  }),
  run: async ({ services, scope, body }) => await saveOwnField(services, scope, body),
});
