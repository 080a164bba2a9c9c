import { z } from 'zod';
import { backupSources } from '../../../../../core/domain/backup-source.ts';
import { changeProtection } from '../../../../../server/policies/change-protection.ts';
import { handleRequest } from '../../../../_server/handle-request.ts';

/** Changes what a policy protects: folders, databases and commands. */
export const POST = handleRequest({
  params: z.object({ id: z.uuid() }),
  body: z.strictObject({
    version: z.int(),
    paths: z.array(z.string().min(2).max(4096).startsWith('/')).max(256),
    excludes: z.array(z.string().min(1).max(4096)).max(1024),
    sources: backupSources,
  }),
  run: async ({ services, scope, params, body }) =>
    await changeProtection(services, scope, { policyId: params.id, ...body }),
});
