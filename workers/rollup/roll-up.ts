import { rollUpMonth } from '../../server/sla/roll-up.ts';
import type { JobHandler } from '../job-context.ts';

export const rollUp: JobHandler<'rollup'> = async ({ services, claim }, payload) => {
  await rollUpMonth(services, claim, payload);
};
