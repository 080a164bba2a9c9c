import { z } from 'zod';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);

/** What a machine did about damaged objects of its vault. It is sent in a signed request and kept with the damage. */
export const repairReport = z.strictObject({
  /** The run that brought what was stored anew; null when none began. */
  runId: z.uuid().nullable(),
  packs: z
    .array(
      z.strictObject({
        packId: hex64,
        /** Pieces that lay in it. */
        blobs: z.int().min(0),
        /** Taken from what was still readable of it, or stored elsewhere already. */
        kept: z.int().min(0),
        /** Read again at the source. */
        sent: z.int().min(0),
        /** No longer on the machine. */
        gone: z.int().min(0),
        /** Where the pieces lie now. */
        now: z.array(hex64).max(1000),
      }),
    )
    .max(10_000),
  /** Index files that named damaged packs, or were damaged, and what says the same without them; null: nothing was left to say. */
  replaced: z.array(z.strictObject({ from: hex64, to: hex64.nullable() })).max(10_000),
});
export type RepairReport = z.infer<typeof repairReport>;
