import { z } from 'zod';
import {
  acceptAlerts,
  acknowledgeAlerts,
  ACTION_ALERTS_MAX,
  assignAlerts,
  NOTE_CHARS_MAX,
  snoozeAlerts,
} from '../../../../server/alerts/act-on-alerts.ts';
import { excuseAlerts } from '../../../../server/alerts/excuse-alerts.ts';
import { handleRequest } from '../../../_server/handle-request.ts';

const ids = z.array(z.uuid()).min(1).max(ACTION_ALERTS_MAX);
const words = z.string().max(NOTE_CHARS_MAX);

/** What a person does about one alert, or about all of a group. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.discriminatedUnion('action', [
    z.strictObject({ action: z.literal('acknowledge'), ids, note: words.nullable() }),
    z.strictObject({ action: z.literal('assign'), ids, ownerId: z.uuid().nullable() }),
    z.strictObject({ action: z.literal('snooze'), ids, forMs: z.int().min(60_000), note: words.nullable() }),
    z.strictObject({ action: z.literal('excuse'), ids, note: words }),
    z.strictObject({ action: z.literal('accept'), ids, note: words }),
  ]),
  run: async ({ services, scope, body }) => {
    switch (body.action) {
      case 'acknowledge':
        return await acknowledgeAlerts(services, scope, body.ids, body.note);
      case 'assign':
        return await assignAlerts(services, scope, body.ids, body.ownerId);
      case 'snooze':
        // By the service's clock: that of the browser may be wrong.
        return await snoozeAlerts(services, scope, body.ids, services.clock.nowMs() + body.forMs, body.note);
      case 'excuse':
        return await excuseAlerts(services, scope, body.ids, body.note);
      case 'accept':
        return await acceptAlerts(services, scope, body.ids, body.note);
    }
  },
});
