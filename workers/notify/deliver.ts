import { drainChannel } from '../../server/delivery/drain-channel.ts';
import type { JobHandler } from '../job-context.ts';

/** Sends what waits for one channel. */
export const deliver: JobHandler<'deliver'> = async ({ services, claim, signal }, { channelId }) => {
  await drainChannel(services, claim, channelId, { signal });
};
