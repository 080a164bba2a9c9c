import { z } from 'zod';
import { SEVERITIES } from '../../../../core/domain/alerts/kinds.ts';
import { setUrgency } from '../../../../server/alerts/set-urgency.ts';
import { handleRequest } from '../../../_server/handle-request.ts';

/** How urgent the alerts of a rule are at one customer. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.strictObject({
    customerId: z.uuid(),
    ruleKey: z.string().min(1).max(80),
    severity: z.enum(SEVERITIES).nullable(),
  }),
  run: async ({ services, scope, body }) => {
    await setUrgency(services, scope, body);
    return {};
  },
});
