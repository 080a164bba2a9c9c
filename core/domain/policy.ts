import { z } from 'zod';

/**
 * What a device has to do, as the agent receives it and as the portal edits it. One document, versioned as a whole: the
 * agent reports the version that it obeys. Unknown keys are refused on both sides.
 */
export const policyDocument = z.strictObject({
  /** Folders and files to protect; absolute. */
  paths: z.array(z.string().min(1).max(4096)).min(1).max(256),
  excludes: z.array(z.string().min(1).max(4096)).max(1024).default([]),
  schedule: z.strictObject({
    /** A restore point is expected every so many minutes, counted from midnight UTC plus the device's spread. */
    everyMinutes: z
      .int()
      .min(15)
      .max(7 * 24 * 60),
    /** How long after it was due a run may commit and still be on time. */
    windowMinutes: z
      .int()
      .min(5)
      .max(24 * 60),
  }),
  /** Targets in minutes: how much may be lost, and how long a restore may take. */
  rpoMinutes: z
    .int()
    .min(15)
    .max(31 * 24 * 60),
  rtoMinutes: z
    .int()
    .min(5)
    .max(31 * 24 * 60),
  /** Share of selected bytes that may be unread while a partial run still counts. 0.001 is 0.1 %. */
  partialToleranceShare: z.number().min(0).max(1).default(0.001),
  drill: z.strictObject({
    level: z.literal(3),
    everyHours: z
      .int()
      .min(1)
      .max(24 * 92),
    /** Files in the seeded sample, beside the canary. */
    sampleFiles: z.int().min(1).max(10_000),
  }),
  /** May the device restore its own data without a grant from the portal? */
  selfRestore: z.boolean().default(false),
});

export type PolicyDocument = z.infer<typeof policyDocument>;
