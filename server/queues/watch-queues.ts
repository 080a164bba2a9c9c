/**
 * Says when a queue stands still, and when it runs again; and when the memory of Redis is nearly full, before they all do. It runs
 * in the gateway, not in a worker: when every worker is gone, or the queue's server is, nobody else is left to say so.
 */
import { newId } from '../../core/base/ids.ts';
import { scopeForSystem } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import { withDispatcher } from '../db/with-dispatcher.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import type { QueueName } from '../jobs/catalog.ts';
import { type QueueFacts, readQueueFacts } from '../jobs/queue-facts.ts';
import { readRedisMemory } from '../jobs/read-redis-memory.ts';
import { publishNotification } from '../delivery/publish.ts';
import { QUEUE_WORDS } from './queue-words.ts';

const LOOK_MS = 15_000;
/** Five canaries in a row did not come back. */
const STANDSTILL_MS = 5 * 60_000;
/** Between the two an alert stays what it is, so that it does not open and close by the minute. */
const MEMORY_FULL_SHARE = 0.7;
const MEMORY_FREE_SHARE = 0.6;

export interface QueueWatch {
  stop(): Promise<void>;
}

export interface QueueWatchOptions {
  /** Tests: other patience. */
  readonly lookMs?: number;
  readonly standstillMs?: number;
}

export function startQueueWatch(services: Services, options: QueueWatchOptions = {}): QueueWatch {
  const { lookMs = LOOK_MS, standstillMs = STANDSTILL_MS } = options;
  // What happened before it looked is nobody's fault: a service that was stopped for a night sent no canaries.
  const sinceMs = Date.now();
  let looking = Promise.resolve();
  let isLooking = false;
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    looking = watchQueues(services, { sinceMs, standstillMs })
      .catch((error: unknown) => services.log.warn({ err: error }, 'the queues could not be looked at'))
      .finally(() => {
        isLooking = false;
      });
  }, lookMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await looking;
    },
  };
}

/** What is wrong, by what it is wrong with: a queue, or the memory of them all. */
interface Trouble {
  readonly name: string;
  readonly title: string;
  readonly message: string;
}
type Watched = QueueName | 'redis';
const MEMORY_TITLE = 'The memory of the queues is nearly full';

/** One look: opens and closes the alerts of every tenant. Any number of programs may look at once. */
export async function watchQueues(
  services: Services,
  { sinceMs, standstillMs }: { readonly sinceMs: number; readonly standstillMs: number },
): Promise<void> {
  const { tenants, facts } = await withDispatcher(services, async (tx) => ({
    tenants: await tx.$queryRaw<{ id: string }[]>`SELECT id FROM tenant`,
    facts: await readQueueFacts(tx),
  }));
  const still = new Map<Watched, Trouble>(
    facts
      .filter((queue) => standsStill(queue, { sinceMs, standstillMs, nowMs: Date.now() }))
      .map((queue) => [queue.queue, standstillOf(queue)]),
  );
  // A queue that has just begun to be watched is neither still nor proven to run: its alert stays as it is.
  const running = new Set<Watched>(
    facts
      .filter(({ canaryReturnedMs }) => canaryReturnedMs !== null && Date.now() - canaryReturnedMs <= standstillMs)
      .map(({ queue }) => queue),
  );
  const share = await memoryShare(services);
  if (share !== undefined && share >= MEMORY_FULL_SHARE) still.set('redis', fullMemory(share));
  if (share !== undefined && share < MEMORY_FREE_SHARE) running.add('redis');
  for (const { id } of tenants) await settleAlerts(services, id, still, running);
}

/**
 * The canaries do not come back. Where every slot of every worker is taken they cannot: that queue is busy, and its workers,
 * who are seen, hold their leases.
 */
function standsStill(
  { canaryReturnedMs, workers, slots, busy }: QueueFacts,
  { sinceMs, standstillMs, nowMs }: { sinceMs: number; standstillMs: number; nowMs: number },
): boolean {
  if (nowMs - Math.max(canaryReturnedMs ?? 0, sinceMs) <= standstillMs) return false;
  return workers === 0 || busy < slots;
}

/** Undefined: there is no Redis, or it says nothing; that it is away is seen by the canaries. */
async function memoryShare({ env }: Services): Promise<number | undefined> {
  if (env.REDIS_URL === undefined) return undefined;
  return (await readRedisMemory(env.REDIS_URL).catch(() => undefined))?.share;
}

function fullMemory(share: number): Trouble {
  return {
    ...{ name: 'Redis', title: MEMORY_TITLE },
    message: `Redis uses ${Math.floor(share * 100)} % of the memory that it may use. When it is full it takes no more jobs: nothing is lost, for they wait in the database, but backups are not sealed, checked or tested until there is room. Give it more memory, or look at what else is stored in it.`,
  };
}

async function settleAlerts(
  services: Services,
  tenantId: string,
  still: ReadonlyMap<Watched, Trouble>,
  running: ReadonlySet<Watched>,
): Promise<void> {
  const scope = scopeForSystem(tenantId);
  const open = await withScope(services, scope, async (tx) => await openQueues(tx, tenantId));
  const opening = [...still].filter(([queue]) => !open.has(queue));
  const closing = [...running].filter((queue) => open.has(queue) && !still.has(queue));
  if (opening.length === 0 && closing.length === 0) return;
  class NothingChanged extends Error {}
  try {
    await applyChange(services, scope, async (change) => {
      let changed = 0;
      for (const [queue, trouble] of opening)
        changed += await openQueueAlert(services, change, tenantId, { queue, ...trouble });
      for (const queue of closing) changed += await closeQueueAlert(services, change, tenantId, queue);
      if (changed === 0) throw new NothingChanged(); // another program was first
    });
  } catch (error) {
    if (!(error instanceof NothingChanged)) throw error;
  }
}

async function openQueues(tx: Tx, tenantId: string): Promise<Set<string>> {
  const rows = await tx.queueAlert.findMany({ where: { tenantId, resolvedAt: null }, select: { queue: true } });
  return new Set(rows.map(({ queue }) => queue));
}

function standstillOf({ queue, workers }: QueueFacts): Trouble {
  const { name, stillTitle: title, standstill } = QUEUE_WORDS[queue];
  const cause =
    workers === 0
      ? 'No worker for it is running. Start the workers, or look into their log for why they ended.'
      : 'Its workers run, and what is sent to them does not arrive. Check the queue’s server (Redis, or the database where there is none) and the workers’ log.';
  const message = `${standstill} Nothing is lost: everything waits in the database and is done when the queue runs again. ${cause}`;
  return { name, title, message };
}

async function openQueueAlert(
  services: Services,
  change: Change,
  tenantId: string,
  { queue, ...trouble }: Trouble & { readonly queue: Watched },
): Promise<number> {
  const { title, message } = trouble;
  const id = newId(services.clock);
  const rows = await change.tx.$executeRaw`
    INSERT INTO queue_alert (tenant_id, id, queue, title, message) VALUES (${tenantId}::uuid, ${id}::uuid, ${queue}, ${title}, ${message})
    ON CONFLICT (tenant_id, queue) WHERE resolved_at IS NULL DO NOTHING`;
  if (rows === 0) return 0;
  await change.audit('alert.opened', { kind: 'queue_alert', id }, { alert: 'queue_still', queue });
  await tellOf(services, change, tenantId, { id, ...trouble, transition: 'opened' });
  return rows;
}

/** Through every channel whose workers still run; where none does, the monitor outside raises the alarm. */
async function tellOf(
  services: Services,
  { tx }: Change,
  tenantId: string,
  one: Trouble & { readonly id: string; readonly transition: 'opened' | 'resolved' },
): Promise<void> {
  await publishNotification(services, tx, scopeForSystem(tenantId), {
    tenantId,
    customerId: null,
    sourceKey: `queue_alert:${one.id}:${one.transition}`,
    subjectKey: `alert:${one.id}`,
    transition: one.transition,
    severity: 'warning',
    kind: 'queue_still',
    subjectName: one.name,
    title: one.title,
    message: one.message,
    path: '/settings/queues',
    atMs: services.clock.nowMs(),
  });
}

async function closeQueueAlert(services: Services, change: Change, tenantId: string, queue: Watched): Promise<number> {
  const closed = await change.tx.$queryRaw<{ id: string }[]>`UPDATE queue_alert SET resolved_at = now()
    WHERE tenant_id = ${tenantId}::uuid AND queue = ${queue} AND resolved_at IS NULL RETURNING id`;
  for (const { id } of closed) {
    await change.audit('alert.resolved', { kind: 'queue_alert', id }, { alert: 'queue_still', queue });
    const over =
      queue === 'redis'
        ? { name: 'Redis', title: MEMORY_TITLE, message: 'There is room again.' }
        : {
            ...{ name: QUEUE_WORDS[queue].name, title: QUEUE_WORDS[queue].stillTitle },
            message: 'It runs again. What waited is being done.',
          };
    await tellOf(services, change, tenantId, { id, ...over, transition: 'resolved' });
  }
  return closed.length;
}
