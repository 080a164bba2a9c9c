/**
 * How the queues and the workers are: rows that belong to no tenant, in the schema `service`. Each worker says what it serves;
 * a canary is sent through each queue every minute, and whoever works it off writes its number back.
 */
import type { Tx } from '../db/client.ts';
import { withDispatcher } from '../db/with-dispatcher.ts';
import type { Services } from '../services.ts';
import { QUEUE_NAMES, type QueueName } from './catalog.ts';

/** A worker that has not been seen for so long is taken for gone. */
export const WORKER_GONE_MS = 60_000;

type Wanted = Pick<Services, 'db'>;

export interface WorkerLane {
  readonly queue: QueueName;
  readonly slots: number;
  readonly busy: number;
}

export interface QueueFacts {
  readonly queue: QueueName;
  readonly canarySentMs: number | null;
  readonly canaryReturnedMs: number | null;
  readonly roundTripMs: number | null;
  /** Of the workers that were seen within the last minute. */
  readonly workers: number;
  readonly slots: number;
  readonly busy: number;
}

export async function reportWorker(services: Wanted, workerId: string, lanes: readonly WorkerLane[]): Promise<void> {
  const queues = lanes.map(({ queue }) => queue);
  const slots = lanes.map((lane) => lane.slots);
  const busy = lanes.map((lane) => lane.busy);
  await withDispatcher(
    services,
    (tx) => tx.$executeRaw`INSERT INTO service.worker_lane (worker_id, queue, slots, busy)
      SELECT ${workerId}::uuid, * FROM unnest(${queues}::text[], ${slots}::int[], ${busy}::int[])
      ON CONFLICT (worker_id, queue) DO UPDATE SET busy = excluded.busy, slots = excluded.slots, seen_at = now()`,
  );
}

export async function forgetWorker(services: Wanted, workerId: string): Promise<void> {
  await withDispatcher(
    services,
    (tx) => tx.$executeRaw`DELETE FROM service.worker_lane WHERE worker_id = ${workerId}::uuid
      OR seen_at < now() - interval '1 day'`,
  );
}

/** Slots that workers offer now, by queue. */
export async function countSlots(services: Wanted): Promise<ReadonlyMap<string, number>> {
  const rows = await withDispatcher(
    services,
    (tx) => tx.$queryRaw<{ queue: string; slots: number }[]>`SELECT queue, sum(slots)::int AS slots
      FROM service.worker_lane WHERE seen_at > now() - ${WORKER_GONE_MS} * interval '1 millisecond' GROUP BY queue`,
  );
  return new Map(rows.map(({ queue, slots }) => [queue, slots]));
}

/** The queues whose last canary was sent longer ago, each with the number of the next one; marked as sent. */
export async function nextCanaries(services: Wanted, everyMs: number): Promise<{ queue: QueueName; number: number }[]> {
  const names = [...QUEUE_NAMES];
  return await withDispatcher(
    services,
    (tx) => tx.$queryRaw<{ queue: QueueName; number: number }[]>`
      INSERT INTO service.queue_canary AS c (queue, sent_number, sent_at)
      SELECT name, 1, now() FROM unnest(${names}::text[]) AS name
      ON CONFLICT (queue) DO UPDATE SET sent_number = c.sent_number + 1, sent_at = now()
        WHERE c.sent_at <= now() - ${everyMs} * interval '1 millisecond'
      RETURNING queue, sent_number::int AS number`,
  );
}

/** An old one that comes late says that the queue runs, as a new one does. */
export async function returnCanary(services: Wanted, queue: QueueName, number: number): Promise<void> {
  await withDispatcher(
    services,
    (tx) => tx.$executeRaw`UPDATE service.queue_canary SET returned_number = ${number}, returned_at = now(),
        round_trip_ms = CASE WHEN sent_number = ${number} THEN extract(epoch FROM now() - sent_at) * 1000 ELSE round_trip_ms END
      WHERE queue = ${queue} AND returned_number < ${number} AND sent_number >= ${number}`,
  );
}

interface FactsRow {
  readonly queue: string;
  readonly sentAt: Date | null;
  readonly returnedAt: Date | null;
  readonly roundTripMs: number | null;
  readonly workers: number;
  readonly slots: number;
  readonly busy: number;
}

/** In the order of the catalog; a queue that was never heard of has nulls and zeros. */
export async function readQueueFacts(tx: Tx): Promise<QueueFacts[]> {
  const names = [...QUEUE_NAMES];
  const rows = await tx.$queryRaw<FactsRow[]>`
    SELECT q.name AS queue, c.sent_at AS "sentAt", c.returned_at AS "returnedAt", c.round_trip_ms AS "roundTripMs",
      coalesce(w.workers, 0) AS workers, coalesce(w.slots, 0) AS slots, coalesce(w.busy, 0) AS busy
    FROM unnest(${names}::text[]) WITH ORDINALITY AS q(name, n)
    LEFT JOIN service.queue_canary c ON c.queue = q.name
    LEFT JOIN (SELECT queue, count(*)::int AS workers, sum(slots)::int AS slots, sum(busy)::int AS busy
      FROM service.worker_lane WHERE seen_at > now() - ${WORKER_GONE_MS} * interval '1 millisecond' GROUP BY queue) w
      ON w.queue = q.name
    ORDER BY q.n`;
  return rows.map(({ queue, sentAt, returnedAt, ...rest }) => ({
    ...rest,
    queue: queue as QueueName, // the names went in from the catalog
    canarySentMs: sentAt?.getTime() ?? null,
    canaryReturnedMs: returnedAt?.getTime() ?? null,
  }));
}
