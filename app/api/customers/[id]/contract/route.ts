import { z } from 'zod';
import { dayWindow } from '../../../../../core/domain/calendar.ts';
import { slaTerms } from '../../../../../core/domain/sla/contract.ts';
import { changeContract } from '../../../../../server/sla/change-contract.ts';
import { zoneOfCustomer } from '../../../../../server/sla/zone-of-customer.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** A new version of a customer's contract, from the beginning of a day by the customer's clock. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({
    terms: slaTerms,
    validFrom: z.iso.date(),
    /** The version that the editor was opened on; another one since then is not written over. Null: there was none. */
    basedOn: z.int().nullable(),
    reason: z.string().max(4000),
  }),
  run: async ({ services, scope, params, body }) => {
    const timeZone = await zoneOfCustomer(services, scope, params.id);
    const validFromMs = dayWindow(body.validFrom, timeZone).startMs;
    const { terms, reason, basedOn } = body;
    return await changeContract(services, scope, params.id, { terms, validFromMs, reason, basedOn });
  },
});
