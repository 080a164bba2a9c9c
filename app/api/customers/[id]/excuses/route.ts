import { z } from 'zod';
import { instantOf } from '../../../../../core/domain/wall-clock.ts';
import { requestExcuse } from '../../../../../server/sla/excuses.ts';
import { zoneOfCustomer } from '../../../../../server/sla/zone-of-customer.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

const wallTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/);
const reason = z.string().max(4000);

/** Staff ask that a time, or one expected backup, shall not count. Times are those of the customer's clock. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.union([
    z.strictObject({ occurrenceId: z.uuid(), words: reason }),
    z.strictObject({ deviceId: z.uuid().nullable(), from: wallTime, until: wallTime, words: reason }),
  ]),
  run: async ({ services, scope, params, body }) => {
    if ('occurrenceId' in body)
      return await requestExcuse(services, scope, params.id, { occurrenceId: body.occurrenceId, reason: body.words });
    const timeZone = await zoneOfCustomer(services, scope, params.id);
    const at = (wall: string): number => instantOf(Date.parse(`${wall}:00Z`), timeZone);
    const { deviceId, from, until, words } = body;
    return await requestExcuse(services, scope, params.id, {
      deviceId,
      startMs: at(from),
      endMs: at(until),
      reason: words,
    });
  },
});
