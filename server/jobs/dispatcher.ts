/**
 * Moves intents from Postgres into the queues: fairly between tenants and customers, by one leader at a time, again when a
 * dispatch or a worker is lost. Also writes the periodic sweeps of every tenant and sends the canaries. All of it converges:
 * any pass may be repeated or skipped.
 */
import pg from 'pg';
import { runAsDispatcher, withDispatcher } from '../db/with-dispatcher.ts';
import { withScope } from '../db/with-scope.ts';
import { scopeForSystem } from '../access/scope.ts';
import type { Services } from '../services.ts';
import { QUEUE_NAMES, QUEUES, type QueueName, SWEEPS } from './catalog.ts';
import { enqueueIntent } from './intents.ts';
import { pickIntents, type PickedIntent } from './pick-intents.ts';
import { createQueue, type JobQueue } from './queue-backend.ts';
import { countSlots, nextCanaries } from './queue-facts.ts';
import { forgetOldIntents, reconcileIntents } from './reconcile-intents.ts';

/** What is announced is dispatched at once; this finds what has become due. */
const POLL_MS = 250;
const RECONCILE_MS = 5_000;
const FORGET_MS = 60_000;
const CANARY_MS = 60_000;
const LEADER_LOCK = 419_201;
/** The leader says this often that it lives; one that has said nothing for so long is relieved. */
const LEADER_PING_MS = 3_000;
const LEADER_SILENT_MS = 15_000;
/**
 * A process that stands still keeps its connection, and with it the lock, while it dispatches nothing. It logs in as we do, so
 * we may end that connection; when it wakes up it finds itself relieved, and what it dispatches meanwhile is claimed once.
 */
const RELIEVE = `SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
  WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = $1 AND a.datname = current_database()
    AND a.state_change < now() - $2 * interval '1 millisecond'`;
/** Announcements come in swarms, one a finished job: what comes within this is one pass. */
const GATHER_MS = 8;
const DUE = {
  name: 'job_due',
  text: `SELECT name AS queue FROM unnest($1::text[]) AS name
    WHERE EXISTS (SELECT 1 FROM job_intent WHERE queue = name AND state = 'waiting' AND run_after <= now())`,
};

export interface Dispatcher {
  /** Ends after the pass in hand. */
  stop(): Promise<void>;
}

export interface DispatcherOptions {
  /** Tests: canaries more often than each minute, and a look for what was lost more often than every five seconds. */
  readonly canaryMs?: number;
  readonly reconcileMs?: number;
  /** Tests: a shorter silence after which a leader is relieved. */
  readonly leaderSilentMs?: number;
}

export function startDispatcher(services: Services, options: DispatcherOptions = {}): Dispatcher {
  const loop = new DispatchLoop(services, options);
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
  readonly #canaryMs: number;
  readonly #reconcileMs: number;
  readonly #leaderSilentMs: number;
  readonly #queues: Readonly<Record<QueueName, JobQueue>>;
  readonly #lastSweepMs = new Map<string, number>();
  /** Queues that something was announced for since they were looked at. */
  readonly #announced = new Set<string>();
  #slots: ReadonlyMap<string, number> = new Map();
  #isStopping = false;
  #wake: (() => void) | undefined;
  #reconciledMs = 0;
  #forgotMs = 0;

  constructor(services: Services, options: DispatcherOptions) {
    this.#services = services;
    this.#canaryMs = options.canaryMs ?? CANARY_MS;
    this.#reconcileMs = options.reconcileMs ?? RECONCILE_MS;
    this.#leaderSilentMs = options.leaderSilentMs ?? LEADER_SILENT_MS;
    this.#queues = Object.fromEntries(
      QUEUE_NAMES.map((name) => [name, createQueue(services.env, name)]),
    ) as unknown as Record<QueueName, JobQueue>; // every name of the catalog
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
          const passedMs = performance.now();
          if (this.#announced.size === 0) await this.#sleep(POLL_MS);
          const restMs = GATHER_MS - (performance.now() - passedMs);
          if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
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
    client.on('notification', ({ payload }) => {
      this.#announced.add(payload ?? '');
      this.#wake?.();
    });
    try {
      await client.connect();
      const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [
        LEADER_LOCK,
      ]);
      if (rows[0]?.locked === true) {
        await client.query('LISTEN job_intent');
        const pingMs = Math.min(LEADER_PING_MS, this.#leaderSilentMs / 4);
        const ping = setInterval(() => void client.query('SELECT 1').catch(() => undefined), pingMs);
        return {
          isAlive: () => isAlive,
          end: async () => {
            clearInterval(ping);
            await client.end().catch(() => undefined);
          },
        };
      }
      await client.query(RELIEVE, [LEADER_LOCK, this.#leaderSilentMs]);
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
    if (nowMs - this.#reconciledMs >= this.#reconcileMs) {
      this.#reconciledMs = nowMs;
      this.#slots = await countSlots(this.#services);
      await reconcileIntents(this.#services, this.#queues);
      await this.#writeSweeps(nowMs);
      await this.#sendCanaries();
    }
    if (nowMs - this.#forgotMs >= FORGET_MS) {
      this.#forgotMs = nowMs;
      await forgetOldIntents(this.#services);
    }
    const announced = [...this.#announced];
    this.#announced.clear();
    const due = announced.length > 0 ? announced : await this.#queuesWithDue();
    const names = QUEUE_NAMES.filter((name) => due.includes(name));
    await Promise.all(names.map(async (name) => await this.#dispatch(name)));
  }

  async #queuesWithDue(): Promise<string[]> {
    const values = [QUEUE_NAMES];
    const { rows } = await runAsDispatcher<{ queue: string }>(this.#services, { ...DUE, values });
    return rows.map(({ queue }) => queue);
  }

  /** Marks first, then adds: a crash between leaves a dispatch that nobody claims, which the reconciler repeats. */
  async #dispatch(name: QueueName): Promise<void> {
    const inHandMax = (this.#slots.get(name) ?? 0) + QUEUES[name].ahead;
    const picked = await pickIntents(this.#services, name, inHandMax);
    if (picked.length > 0) await this.#add(name, picked);
  }

  async #add(name: QueueName, picked: readonly PickedIntent[]): Promise<void> {
    try {
      await this.#queues[name].add(
        picked.map(({ tenantId, id, dispatches, place }) => ({
          jobId: `${id}-${dispatches}`,
          job: { tenantId, intentId: id },
          priority: place,
        })),
      );
    } catch (error) {
      this.#services.log.warn({ err: error, queue: name }, 'the queue does not answer; the intents wait');
      const ids = picked.map(({ id }) => id);
      await withDispatcher(
        this.#services,
        (tx) => tx.$executeRaw`UPDATE job_intent SET state = 'waiting', run_after = now() + interval '2 seconds'
          WHERE queue = ${name} AND id = ANY (${ids}::uuid[]) AND state = 'dispatched'`,
      );
    }
  }

  /** One that cannot be sent is not sent again before the next minute: that it does not come back is the message. */
  async #sendCanaries(): Promise<void> {
    const canaries = await nextCanaries(this.#services, this.#canaryMs);
    await Promise.all(
      canaries.map(
        async ({ queue, number }) =>
          await this.#queues[queue].addCanary(number).catch((error: unknown) => {
            this.#services.log.warn({ err: error, queue }, 'the queue does not answer; it takes no canary');
          }),
      ),
    );
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
