/**
 * Moves intents from Postgres into the queues: fairly between tenants, by one leader at a time, again when a dispatch or a
 * worker is lost. Also writes the periodic sweeps of every tenant. All of it converges: any pass may be repeated or skipped.
 */
import pg from 'pg';
import { withDispatcher } from '../db/with-dispatcher.ts';
import { withScope } from '../db/with-scope.ts';
import { scopeForSystem } from '../access/scope.ts';
import type { Services } from '../services.ts';
import { QUEUE_SHARES, QUEUES, type QueueName, SWEEPS } from './catalog.ts';
import { enqueueIntent } from './intents.ts';
import { createQueue, type JobQueue } from './queue-backend.ts';

const POLL_MS = 250;
const RECONCILE_MS = 5_000;
/** A dispatch that nobody claimed for so long is taken for lost. */
const UNCLAIMED_MS = 60_000;
/** A job that took two workers down with it gets no third. */
const CRASHES_MAX = 2;
const ATTEMPTS_MAX = 5;
const BATCH = 64;
const LEADER_LOCK = 419_201;
/** Finished intents are kept so long for the curious. */
const DONE_KEPT_HOURS = 48;

interface PickedIntent {
  readonly tenant_id: string;
  readonly id: string;
  readonly dispatches: number;
  readonly priority: number;
}

export interface Dispatcher {
  /** Ends after the pass in hand. */
  stop(): Promise<void>;
}

export function startDispatcher(services: Services): Dispatcher {
  const loop = new DispatchLoop(services);
  const ended = loop.run();
  return {
    stop: async () => {
      loop.stop();
      await ended;
    },
  };
}

class DispatchLoop {
  readonly #services: Services;
  readonly #queues: Readonly<Record<QueueName, JobQueue>>;
  readonly #lastSweepMs = new Map<string, number>();
  #isStopping = false;
  #wake: (() => void) | undefined;
  #reconciledMs = 0;

  constructor(services: Services) {
    this.#services = services;
    const queue = (name: QueueName): JobQueue => createQueue(services.env, name);
    this.#queues = {
      control: queue('control'),
      verify: queue('verify'),
      drill: queue('drill'),
      interactive: queue('interactive'),
    };
  }

  stop(): void {
    this.#isStopping = true;
    this.#wake?.();
  }

  async run(): Promise<void> {
    while (!this.#isStopping) {
      const leader = await this.#becomeLeader();
      if (leader === undefined) {
        await this.#sleep(POLL_MS * 4);
        continue;
      }
      try {
        while (!this.#isStopping && leader.isAlive()) {
          await this.#pass();
          await this.#sleep(POLL_MS);
        }
      } catch (error) {
        this.#services.log.error({ err: error }, 'dispatching failed; it goes on');
        await this.#sleep(POLL_MS * 4);
      } finally {
        await leader.end();
      }
    }
    await Promise.all(Object.values(this.#queues).map((queue) => queue.close()));
  }

  /** A session lock on a connection of its own: it ends with the process, however that ends. */
  async #becomeLeader(): Promise<{ isAlive(): boolean; end(): Promise<void> } | undefined> {
    const client = new pg.Client({ connectionString: this.#services.env.DATABASE_SERVICE_URL });
    let isAlive = true;
    client.on('error', () => {
      isAlive = false;
      this.#wake?.();
    });
    client.on('notification', () => this.#wake?.());
    try {
      await client.connect();
      const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [
        LEADER_LOCK,
      ]);
      if (rows[0]?.locked === true) {
        await client.query('LISTEN job_intent');
        return { isAlive: () => isAlive, end: async () => await client.end().catch(() => undefined) };
      }
    } catch (error) {
      this.#services.log.warn({ err: error }, 'the database does not answer the dispatcher');
    }
    await client.end().catch(() => undefined); // a connection that never stood has nothing to end
    return undefined;
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#isStopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  async #pass(): Promise<void> {
    const nowMs = Date.now();
    if (nowMs - this.#reconciledMs >= RECONCILE_MS) {
      this.#reconciledMs = nowMs;
      await this.#reconcile();
      await this.#writeSweeps(nowMs);
    }
    for (const name of QUEUES) await this.#dispatch(name);
  }

  /** Marks first, then adds: a crash between leaves a dispatch that nobody claims, which the reconciler repeats. */
  async #dispatch(queue: QueueName): Promise<void> {
    const picked = await withDispatcher(
      this.#services,
      (tx) => tx.$queryRaw<PickedIntent[]>`
        WITH busy AS (
          SELECT tenant_id, count(*) AS n FROM job_intent
          WHERE queue = ${queue} AND state IN ('dispatched', 'running') GROUP BY tenant_id
        ), ranked AS (
          SELECT i.tenant_id, i.id, i.priority, i.run_after, coalesce(b.n, 0)
            + row_number() OVER (PARTITION BY i.tenant_id ORDER BY i.priority, i.run_after) AS place
          FROM job_intent i LEFT JOIN busy b USING (tenant_id)
          WHERE i.queue = ${queue} AND i.state = 'waiting' AND i.run_after <= now()
            -- One of a key at a time: what began with older facts must not be the last to write.
            AND NOT EXISTS (SELECT 1 FROM job_intent o WHERE o.tenant_id = i.tenant_id AND o.queue = i.queue
              AND o.kind = i.kind AND o.dedupe_key = i.dedupe_key AND o.state = 'running')
        ), chosen AS (
          SELECT tenant_id, id FROM ranked WHERE place <= ${QUEUE_SHARES[queue]} ORDER BY place, priority, run_after LIMIT ${BATCH}
        )
        UPDATE job_intent i SET state = 'dispatched', dispatched_at = now(), dispatches = i.dispatches + 1
        FROM (SELECT j.tenant_id, j.id FROM job_intent j JOIN chosen USING (tenant_id, id)
              WHERE j.state = 'waiting' FOR UPDATE OF j SKIP LOCKED) c
        WHERE i.tenant_id = c.tenant_id AND i.id = c.id
        RETURNING i.tenant_id, i.id, i.dispatches, i.priority`,
    );
    await Promise.all(picked.map(async (intent) => await this.#add(queue, intent)));
  }

  async #add(queue: QueueName, { tenant_id, id, dispatches, priority }: PickedIntent): Promise<void> {
    try {
      await this.#queues[queue].add(`${id}-${dispatches}`, { tenantId: tenant_id, intentId: id }, priority);
    } catch (error) {
      this.#services.log.warn({ err: error, queue }, 'the queue does not answer; the intent waits');
      await withDispatcher(
        this.#services,
        (tx) => tx.$executeRaw`UPDATE job_intent SET state = 'waiting', run_after = now() + interval '2 seconds'
          WHERE tenant_id = ${tenant_id}::uuid AND id = ${id}::uuid AND state = 'dispatched'`,
      );
    }
  }

  async #reconcile(): Promise<void> {
    await withDispatcher(this.#services, async (tx) => {
      // A dispatch that was lost is nobody's fault: it costs no attempt.
      await tx.$executeRaw`UPDATE job_intent SET state = 'waiting'
        WHERE state = 'dispatched' AND dispatched_at < now() - ${UNCLAIMED_MS} * interval '1 millisecond'`;
      await tx.$executeRaw`UPDATE job_intent SET crashes = crashes + 1, lease_until = NULL,
          state = CASE WHEN crashes + 1 >= ${CRASHES_MAX} OR attempt >= ${ATTEMPTS_MAX} THEN 'dead' ELSE 'waiting' END,
          finished_at = CASE WHEN crashes + 1 >= ${CRASHES_MAX} OR attempt >= ${ATTEMPTS_MAX} THEN now() END,
          error = 'The worker ended in the middle of the job.'
        WHERE state = 'running' AND lease_until < now()
          AND NOT EXISTS (SELECT 1 FROM job_intent o WHERE o.tenant_id = job_intent.tenant_id AND o.kind = job_intent.kind
            AND o.dedupe_key = job_intent.dedupe_key AND o.state IN ('waiting', 'dispatched'))`;
      // One with the same key waits already and will do the work.
      await tx.$executeRaw`UPDATE job_intent SET crashes = crashes + 1, lease_until = NULL, state = 'done', finished_at = now(),
          error = 'The worker ended in the middle of the job; a newer one does the work.'
        WHERE state = 'running' AND lease_until < now()`;
      await tx.$executeRaw`DELETE FROM job_intent WHERE state = 'done' AND finished_at < now() - ${DONE_KEPT_HOURS} * interval '1 hour'`;
    });
  }

  async #writeSweeps(nowMs: number): Promise<void> {
    const tenants = await withDispatcher(this.#services, (tx) => tx.$queryRaw<{ id: string }[]>`SELECT id FROM tenant`);
    for (const { id } of tenants) {
      for (const { kind, everyMs } of SWEEPS) {
        const key = `${id}/${kind}`;
        if (nowMs - (this.#lastSweepMs.get(key) ?? 0) < everyMs) continue;
        this.#lastSweepMs.set(key, nowMs);
        const scope = scopeForSystem(id);
        await withScope(this.#services, scope, (tx) =>
          enqueueIntent(tx, scope, kind, {}, { dedupeKey: kind, priority: 20 }),
        );
      }
    }
  }
}
