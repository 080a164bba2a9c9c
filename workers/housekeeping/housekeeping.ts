import { tidyTenant } from '../../server/housekeeping/tidy-tenant.ts';
import type { JobHandler } from '../job-context.ts';

export const housekeeping: JobHandler<'housekeeping'> = async ({ services, claim }) => {
  await tidyTenant(services, claim.scope);
};
