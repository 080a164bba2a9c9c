import type { QueueName } from '../jobs/catalog.ts';

/** One queue as its page shows it. Counts are of this provider alone; canary and workers serve everybody. */
export interface QueueView {
  readonly queue: QueueName;
  readonly name: string;
  readonly about: string;
  /** running: its canary came back in time; busy: every slot is taken; still: an alert is open; unknown: no canary yet, or late. */
  readonly state: 'running' | 'busy' | 'still' | 'unknown';
  readonly waiting: number;
  readonly running: number;
  readonly doneLastHour: number;
  readonly dead: number;
  /** Since when the oldest intent that may run has waited. */
  readonly oldestMs: number | null;
  readonly canaryReturnedMs: number | null;
  readonly roundTripMs: number | null;
  readonly workers: number;
  readonly slots: number;
}

export interface DeadLetterView {
  readonly id: string;
  readonly queue: QueueName;
  /** What the job does, in words. */
  readonly what: string;
  readonly customerName: string | null;
  readonly attempts: number;
  readonly diedMs: number;
  readonly reason: string;
  /** False where the person who waited was told, and asks again where they are. */
  readonly canBeSent: boolean;
}

export interface QueueAlertView {
  readonly id: string;
  /** `redis`: not one of them stands still yet; their memory is nearly full. */
  readonly queue: QueueName | 'redis';
  readonly title: string;
  readonly message: string;
  readonly openedMs: number;
}

export interface QueuesView {
  readonly nowMs: number;
  readonly queues: readonly QueueView[];
  readonly alerts: readonly QueueAlertView[];
  /** The newest; `deadTotal` counts all. */
  readonly deadLetters: readonly DeadLetterView[];
  readonly deadTotal: number;
}
