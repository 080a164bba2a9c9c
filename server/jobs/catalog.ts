/** One declaration a job: its queue, the shape of its payload (ids alone), how long it may run. Handlers are in workers/. */
import { z } from 'zod';

export const QUEUES = ['control', 'verify', 'drill', 'interactive'] as const;
export type QueueName = (typeof QUEUES)[number];

/**
 * Intents of one tenant that a queue may hold at a time; the others wait in Postgres, where they are picked fairly. Small
 * where a job is long, so that ten thousand jobs of one tenant delay another one by a few jobs and not by all of them.
 */
export const QUEUE_SHARES: Readonly<Record<QueueName, number>> = { control: 8, verify: 3, drill: 2, interactive: 8 };

export interface JobDeclaration {
  readonly queue: QueueName;
  readonly payload: z.ZodType;
  /** A run that takes longer is taken for hung. */
  readonly timeoutMs: number;
  /** Starts before it is given up. */
  readonly attempts: number;
}

const MINUTE = 60_000;
const nothing = z.strictObject({});

export const JOBS = {
  seal: { queue: 'control', payload: z.strictObject({ runId: z.uuid() }), timeoutMs: 60 * MINUTE, attempts: 5 },
  verify: {
    queue: 'verify',
    payload: z.strictObject({ verificationId: z.uuid() }),
    timeoutMs: 240 * MINUTE,
    attempts: 5,
  },
  drill: { queue: 'drill', payload: z.strictObject({ drillId: z.uuid() }), timeoutMs: 120 * MINUTE, attempts: 3 },
  rollup: {
    queue: 'control',
    payload: z.strictObject({ sourceId: z.uuid(), month: z.string().regex(/^\d{4}-\d\d$/) }),
    timeoutMs: 5 * MINUTE,
    attempts: 5,
  },
  'list-folder': {
    queue: 'interactive',
    payload: z.strictObject({ listingId: z.uuid() }),
    timeoutMs: 5 * MINUTE,
    attempts: 2,
  },
  'prepare-download': {
    queue: 'interactive',
    payload: z.strictObject({ downloadId: z.uuid() }),
    timeoutMs: 60 * MINUTE,
    attempts: 2,
  },
  'schedule-sweep': { queue: 'control', payload: nothing, timeoutMs: 5 * MINUTE, attempts: 3 },
  housekeeping: { queue: 'control', payload: nothing, timeoutMs: 10 * MINUTE, attempts: 3 },
} as const satisfies Record<string, JobDeclaration>;

export type JobKind = keyof typeof JOBS;
export type JobPayload<K extends JobKind> = z.infer<(typeof JOBS)[K]['payload']>;

export function isJobKind(kind: string): kind is JobKind {
  return Object.hasOwn(JOBS, kind);
}

/** Sweeps that every tenant gets again and again, by their period. */
export const SWEEPS = [
  { kind: 'schedule-sweep', everyMs: 30_000 },
  { kind: 'housekeeping', everyMs: 10 * MINUTE },
] as const satisfies readonly { kind: JobKind; everyMs: number }[];
