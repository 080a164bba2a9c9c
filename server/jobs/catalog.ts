/** One declaration a job: its queue, the shape of its payload (ids alone), how long it may run. Handlers are in workers/. */
import { z } from 'zod';

/** What a queue is for; each may have processes of its own. */
export interface QueueDeclaration {
  /** Jobs of one worker process at a time. Verification and restores read and compute much; the others mostly wait. */
  readonly slots: number;
  /**
   * Intents that are dispatched beyond the free slots, so that a worker never waits for the dispatcher. Few where a job is
   * long: the others wait in Postgres, where they are picked fairly at the last moment.
   */
  readonly ahead: number;
}

/** In the order in which people read them. */
export const QUEUES = {
  /** Commits become restore points. */
  seal: { slots: 4, ahead: 8 },
  verify: { slots: 2, ahead: 1 },
  drill: { slots: 1, ahead: 1 },
  /** The figures of a month. */
  rollup: { slots: 2, ahead: 8 },
  /** Paper of a closed month: a second of a processor each, and all customers at once after midnight. */
  report: { slots: 1, ahead: 2 },
  /** Messages to people and machines. They wait for other servers and compute nothing. */
  notify: { slots: 4, ahead: 8 },
  /** Somebody waits in front of a screen. */
  interactive: { slots: 2, ahead: 4 },
  /** What every tenant gets again and again. */
  sweep: { slots: 2, ahead: 4 },
} as const satisfies Record<string, QueueDeclaration>;

export type QueueName = keyof typeof QUEUES;
export const QUEUE_NAMES = Object.keys(QUEUES) as readonly QueueName[];

export interface JobDeclaration {
  readonly queue: QueueName;
  readonly payload: z.ZodType;
  /** A run that takes longer is taken for hung. */
  readonly timeoutMs: number;
}

/** Starts before a job is given up and becomes a dead letter. */
export const ATTEMPTS_MAX = 5;
/** A job that took two workers down with it gets no third. */
export const CRASHES_MAX = 2;

const MINUTE = 60_000;
const nothing = z.strictObject({});

export const JOBS = {
  seal: { queue: 'seal', payload: z.strictObject({ runId: z.uuid() }), timeoutMs: 60 * MINUTE },
  verify: { queue: 'verify', payload: z.strictObject({ verificationId: z.uuid() }), timeoutMs: 240 * MINUTE },
  drill: { queue: 'drill', payload: z.strictObject({ drillId: z.uuid() }), timeoutMs: 120 * MINUTE },
  rollup: {
    queue: 'rollup',
    payload: z.strictObject({ customerId: z.uuid(), month: z.string().regex(/^\d{4}-\d\d$/) }),
    timeoutMs: 5 * MINUTE,
  },
  report: { queue: 'report', payload: z.strictObject({ reportId: z.uuid() }), timeoutMs: 5 * MINUTE },
  'list-folder': {
    queue: 'interactive',
    payload: z.strictObject({ listingId: z.uuid() }),
    timeoutMs: 5 * MINUTE,
  },
  'prepare-download': {
    queue: 'interactive',
    payload: z.strictObject({ downloadId: z.uuid() }),
    timeoutMs: 60 * MINUTE,
  },
  'schedule-sweep': { queue: 'sweep', payload: nothing, timeoutMs: 5 * MINUTE },
  'evidence-sweep': { queue: 'sweep', payload: nothing, timeoutMs: 30 * MINUTE },
  /** Everything that waits for one channel. */
  deliver: { queue: 'notify', payload: z.strictObject({ channelId: z.uuid() }), timeoutMs: 5 * MINUTE },
  'notify-sweep': { queue: 'notify', payload: nothing, timeoutMs: 5 * MINUTE },
  housekeeping: { queue: 'sweep', payload: nothing, timeoutMs: 10 * MINUTE },
} as const satisfies Record<string, JobDeclaration>;

export type JobKind = keyof typeof JOBS;
export type JobPayload<K extends JobKind> = z.infer<(typeof JOBS)[K]['payload']>;

export function isJobKind(kind: string): kind is JobKind {
  return Object.hasOwn(JOBS, kind);
}

/** Sweeps that every tenant gets again and again, by their period. */
export const SWEEPS = [
  { kind: 'schedule-sweep', everyMs: 30_000 },
  { kind: 'evidence-sweep', everyMs: 60 * MINUTE },
  { kind: 'notify-sweep', everyMs: 30_000 },
  { kind: 'housekeeping', everyMs: 10 * MINUTE },
] as const satisfies readonly { kind: JobKind; everyMs: number }[];
