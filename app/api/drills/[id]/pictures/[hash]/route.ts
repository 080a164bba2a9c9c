import { z } from 'zod';
import { viewPicture } from '../../../../../../server/drills/view-picture.ts';
import { handleRequest } from '../../../../../_server/handle-request.ts';

/** What the screen of a started system showed. The service itself made the PNG; its name is its hash. */
export const GET = handleRequest({
  params: z.object({ id: z.uuid(), hash: z.string().regex(/^[0-9a-f]{64}$/) }),
  run: async ({ services, scope, params }) =>
    new Response(await viewPicture(services, scope, params.id, params.hash), {
      headers: {
        'content-type': 'image/png',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; sandbox",
        'content-disposition': `inline; filename="screen-${params.hash.slice(0, 16)}.png"`,
        // What has this name never changes; only who may see it does.
        'cache-control': 'private, no-store',
      },
    }),
});
