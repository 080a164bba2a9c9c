import { z } from 'zod';
import { reviewToday } from '../../../../server/alerts/review-today.ts';
import { handleRequest } from '../../../_server/handle-request.ts';

/** A person has looked at everything that stands. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.strictObject({}),
  run: async ({ services, scope }) => await reviewToday(services, scope),
});
