import { z } from 'zod';
import { ruleWish } from '../../../core/domain/alerts/rules.ts';
import { changeRule, ruleTarget } from '../../../server/alerts/change-rule.ts';
import { handleRequest } from '../../_server/handle-request.ts';

/** Changes a built-in rule or one of the provider's own, or makes one. */
export const POST = handleRequest({
  params: z.object({}),
  body: z.strictObject({ target: ruleTarget, wish: ruleWish }),
  run: async ({ services, scope, body }) => await changeRule(services, scope, body.target, body.wish),
});
