import { z } from 'zod';
import { dropBrand } from '../../../../../server/reports/save-brand.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** The reports of a customer look like the provider's again. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({}),
  run: async ({ services, scope, params }) => await dropBrand(services, scope, params.id),
});
