import { z } from 'zod';
import { HoldfastError } from '../../../../../core/base/errors.ts';
import { makeBundle } from '../../../../../server/evidence/make-bundle.ts';
import { sendBundle } from '../../../../_server/send-bundle.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

const wanted = z.strictObject({
  month: z
    .string()
    .regex(/^\d{4}-(0[1-9]|1[0-2])$/)
    .optional(),
});

/** A customer's evidence of one month (`?month=2026-11`), or all of it. */
export const GET = handleRequest({
  params: z.object({ id: z.uuid() }),
  run: async ({ services, scope, params, request }) => {
    const query = wanted.safeParse(Object.fromEntries(new URL(request.url).searchParams));
    if (!query.success) throw new HoldfastError('bad_request', 'A month is written like 2026-11.');
    const { month } = query.data;
    const wish = { customerId: params.id, ...(month === undefined ? {} : { month }) };
    return sendBundle(await makeBundle(services, scope, wish), month ?? 'all');
  },
});
