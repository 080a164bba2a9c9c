import { sweepDelivery } from '../../server/delivery/sweep-delivery.ts';
import type { JobHandler } from '../job-context.ts';

/** Looks what has to be told: alerts, digests, pings, and what a dead job left behind. */
export const notifySweep: JobHandler<'notify-sweep'> = async ({ services, claim }) => {
  await sweepDelivery(services, claim);
};
