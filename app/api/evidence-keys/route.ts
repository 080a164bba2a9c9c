import { z } from 'zod';
import { listEvidenceKeys } from '../../../server/evidence/queries.ts';
import { rotateEvidenceKey } from '../../../server/evidence/signing-key.ts';
import { handleRequest } from '../../_server/handle-request.ts';

/** The public keys that sign the provider's evidence, for those who sign in; who checks a bundle compares their names. */
export const GET = handleRequest({
  params: z.object({}),
  run: async ({ services, scope }) => ({ keys: await listEvidenceKeys(services, scope) }),
});

/** An owner has a new key sign from now on; the old one vouches for it. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.strictObject({}),
  run: async ({ services, scope }) => await rotateEvidenceKey(services, scope),
});
