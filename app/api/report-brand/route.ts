import { z } from 'zod';
import { brandTerms, LOGO_BYTES_MAX } from '../../../core/domain/reports/brand.ts';
import { saveBrand } from '../../../server/reports/save-brand.ts';
import { handleRequest } from '../../_server/handle-request.ts';

/** How reports look: the provider's own (customer null), or those of one customer. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.strictObject({
    customerId: z.uuid().nullable(),
    terms: brandTerms,
    /** Base64; null: none; left out: as it is. */
    logo: z.base64().nullable().optional(),
  }),
  // A picture in base64, and the form around it.
  bodyCharsMax: Math.ceil((LOGO_BYTES_MAX * 4) / 3) + 16 * 1024,
  run: async ({ services, scope, body }) => await saveBrand(services, scope, body.customerId, body),
});
