import { z } from 'zod';
import { ruleWish } from '../../../../core/domain/alerts/rules.ts';
import { testRule } from '../../../../server/alerts/back-test/test-rule.ts';
import { handleRequest } from '../../../_server/handle-request.ts';

/** What a rule would have done in the last 30 days. Changes nothing. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.strictObject({ wish: ruleWish }),
  run: async ({ services, scope, body }) => await testRule(services, scope, body.wish),
});
