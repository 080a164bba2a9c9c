import { z } from 'zod';
import { searchDevices } from '../../../server/fleet/queries.ts';
import { handleRequest } from '../../_server/handle-request.ts';

const RESULTS_MAX = 12;

/** Devices whose name or customer contains `?text=`. */
export const GET = handleRequest({
  params: z.object({}),
  run: async ({ services, scope, request }) => {
    const text = (new URL(request.url).searchParams.get('text') ?? '').slice(0, 100);
    return { devices: await searchDevices(services, scope, text, RESULTS_MAX) };
  },
});
