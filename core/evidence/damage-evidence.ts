/** What a record says about damage of stored data: what was found, what became of it, and who accepted a loss. */
import { z } from 'zod';
import { instant, person } from './drill-evidence.ts';

/** Of long lists the first ones are named; how many there are is said beside them. */
export const DAMAGE_NAMED_MAX = 1000;

const device = z.strictObject({ id: z.uuid(), name: z.string() });
const objects = z.array(z.strictObject({ key: z.string(), problem: z.string() })).max(DAMAGE_NAMED_MAX);

/** Files that need what is damaged, or, when a repair could not bring all of it back, what is gone; null where nobody but the customer can know them, or they were not looked for yet. */
const files = z
  .strictObject({
    paths: z.array(z.string()).max(DAMAGE_NAMED_MAX),
    count: z.int().min(0),
    /** False: there are more, which were not counted. */
    isComplete: z.boolean(),
  })
  .nullable();

export const damageEvidence = z.strictObject({
  damageId: z.uuid(),
  /** The check that found it or that looked again; null: it was not one of the service's own. */
  verificationId: z.uuid().nullable(),
  level: z.int().nullable(),
  device,
  vaultId: z.uuid(),
  objects,
  objectCount: z.int().min(0),
  files,
  /** Restore points that were locked away, that came back, or that stay locked away. */
  restorePointIds: z.array(z.uuid()).max(DAMAGE_NAMED_MAX),
  words: z.string(),
});
export type DamageEvidence = z.infer<typeof damageEvidence>;

/** A person accepts that something is gone for good. It stays gone: this says who knew, why, and what it was. */
export const lossEvidence = z.strictObject({
  damageId: z.uuid(),
  by: person,
  words: z.string().min(1).max(4000),
  device,
  vaultId: z.uuid(),
  objects,
  objectCount: z.int().min(0),
  files,
  restorePoints: z.array(z.strictObject({ id: z.uuid(), capturedAt: instant })).max(DAMAGE_NAMED_MAX),
  restorePointCount: z.int().min(0),
});
export type LossEvidence = z.infer<typeof lossEvidence>;
