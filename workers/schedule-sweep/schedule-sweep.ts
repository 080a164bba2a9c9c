import { sweepSchedule } from '../../server/schedule/sweep-schedule.ts';
import type { JobHandler } from '../job-context.ts';

export const scheduleSweep: JobHandler<'schedule-sweep'> = async ({ services, claim }) => {
  await sweepSchedule(services, claim);
};
