import { z } from 'zod';
import { createEnrolmentToken } from '../../../server/devices/create-enrolment-token.ts';
import { handleRequest } from '../../_server/handle-request.ts';

/** Makes a token that enrols one machine. The token is in this answer and nowhere else. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.strictObject({
    customerId: z.uuid(),
    policyId: z.uuid(),
    label: z.string().trim().min(1).max(120),
    custody: z.enum(['escrowed', 'customer_held']).default('escrowed'),
  }),
  run: async ({ services, scope, body }) => {
    const { token, expiresMs } = await createEnrolmentToken(services, scope, body);
    return { token, expiresMs, gatewayUrl: services.env.HOLDFAST_GATEWAY_URL };
  },
});
