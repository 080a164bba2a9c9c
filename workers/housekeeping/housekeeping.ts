import { tidyTenant } from '../../server/housekeeping/tidy-tenant.ts';
import { orderReports } from '../../server/reports/order-reports.ts';
import { closeUsage } from '../../server/usage/close-usage.ts';
import { measureUsage } from '../../server/usage/measure-usage.ts';
import type { JobHandler } from '../job-context.ts';

export const housekeeping: JobHandler<'housekeeping'> = async ({ services, claim }) => {
  await tidyTenant(services, claim.scope);
  await measureUsage(services, claim.scope);
  await closeUsage(services, claim.scope);
  await orderReports(services, claim.scope);
};
