import { z } from 'zod';

/** What damaged objects held, as it is kept with the damage (after a repair that lost some of it: what is lost): the first of each, and how many there are. */
export const damageImpact = z.object({
  blobs: z.array(z.object({ id: z.string(), type: z.enum(['data', 'tree']) })),
  blobsTotal: z.number(),
  /** Paths inside the snapshots; one with a slash at its end is a folder whose listing is hit. */
  files: z.array(z.object({ path: z.string(), snapshots: z.number() })),
  filesTotal: z.number(),
  snapshots: z.array(z.object({ id: z.string(), files: z.number() })),
  snapshotsTotal: z.number(),
  isComplete: z.boolean(),
});
export type DamageImpact = z.infer<typeof damageImpact>;
