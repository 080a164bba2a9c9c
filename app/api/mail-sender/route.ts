import { z } from 'zod';
import { mailSenderWish, saveMailSender } from '../../../server/delivery/save-mail-sender.ts';
import { handleRequest } from '../../_server/handle-request.ts';

/** From whom the provider's mail comes, and through which server. */
export const POST = handleRequest({
  params: z.object({}),
  body: mailSenderWish,
  run: async ({ services, scope, body }) => await saveMailSender(services, scope, body),
});
