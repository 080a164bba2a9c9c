import { requireStaff, type Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import { isJobKind, type QueueName } from '../jobs/catalog.ts';
import { type QueueFacts, readQueueFacts } from '../jobs/queue-facts.ts';
import type { Services } from '../services.ts';
import { JOB_WORDS, QUEUE_WORDS } from './queue-words.ts';
import { isSentAgain } from './send-again.ts';
import type { DeadLetterView, QueueAlertView, QueuesView, QueueView } from './view.ts';

const DEAD_LETTERS_SHOWN = 50;
/** A canary comes each minute; later than this and nobody can say that the queue runs. */
const CANARY_FRESH_MS = 3 * 60_000;

/** Every queue with its work, and the dead letters. For the provider's people. */
export async function viewQueues(services: Services, scope: Scope): Promise<QueuesView> {
  requireStaff(scope);
  return await withScope(services, scope, async (tx) => {
    const alerts = await openQueueAlerts(tx, scope);
    const work = await countWork(tx, scope);
    const nowMs = Date.now();
    const queues = (await readQueueFacts(tx)).map((facts) => describe(facts, work.get(facts.queue), alerts, nowMs));
    const deadLetters = await listDeadLetters(tx, scope);
    const deadTotal = queues.reduce((sum, { dead }) => sum + dead, 0);
    return { nowMs, queues, alerts, deadLetters, deadTotal };
  });
}

/** Queues that stand still, for the head of the fleet. */
export async function listQueueAlerts(services: Services, scope: Scope): Promise<QueueAlertView[]> {
  requireStaff(scope);
  return await withScope(services, scope, async (tx) => await openQueueAlerts(tx, scope));
}

interface Work {
  readonly queue: string;
  readonly waiting: number;
  readonly running: number;
  readonly done: number;
  readonly dead: number;
  readonly oldest: Date | null;
}

async function countWork(tx: Tx, scope: Scope): Promise<ReadonlyMap<string, Work>> {
  const rows = await tx.$queryRaw<Work[]>`
    SELECT queue, count(*) FILTER (WHERE state IN ('waiting', 'dispatched'))::int AS waiting,
      count(*) FILTER (WHERE state = 'running')::int AS running,
      count(*) FILTER (WHERE state = 'done')::int AS done, count(*) FILTER (WHERE state = 'dead')::int AS dead,
      min(greatest(created_at, run_after)) FILTER (WHERE state IN ('waiting', 'dispatched') AND run_after <= now()) AS oldest
    FROM job_intent WHERE tenant_id = ${scope.tenantId}::uuid
      AND (state <> 'done' OR finished_at > now() - interval '1 hour') GROUP BY queue`;
  return new Map(rows.map((row) => [row.queue, row]));
}

function describe(
  facts: QueueFacts,
  work: Work | undefined,
  alerts: readonly QueueAlertView[],
  nowMs: number,
): QueueView {
  const { queue, canaryReturnedMs, roundTripMs, workers, slots, busy } = facts;
  const { name, about } = QUEUE_WORDS[queue];
  const isFresh = canaryReturnedMs !== null && nowMs - canaryReturnedMs <= CANARY_FRESH_MS;
  const isBusy = workers > 0 && busy >= slots;
  const isStill = alerts.some((alert) => alert.queue === queue);
  return {
    queue,
    name,
    about,
    state: isStill ? 'still' : isBusy ? 'busy' : isFresh ? 'running' : 'unknown',
    waiting: work?.waiting ?? 0,
    running: work?.running ?? 0,
    doneLastHour: work?.done ?? 0,
    dead: work?.dead ?? 0,
    oldestMs: work?.oldest?.getTime() ?? null,
    canaryReturnedMs,
    roundTripMs,
    workers,
    slots,
  };
}

async function openQueueAlerts(tx: Tx, scope: Scope): Promise<QueueAlertView[]> {
  const rows = await tx.queueAlert.findMany({
    where: { tenantId: scope.tenantId, resolvedAt: null },
    orderBy: { openedAt: 'asc' },
  });
  return rows.map(({ id, queue, title, message, openedAt }) => ({
    id,
    queue: queue as QueueAlertView['queue'], // written by the watch alone
    title,
    message,
    openedMs: openedAt.getTime(),
  }));
}

async function listDeadLetters(tx: Tx, scope: Scope): Promise<DeadLetterView[]> {
  const rows = await tx.jobIntent.findMany({
    where: { tenantId: scope.tenantId, state: 'dead' },
    orderBy: { finishedAt: 'desc' },
    take: DEAD_LETTERS_SHOWN,
    include: { customer: { select: { name: true } } },
  });
  return rows.map(({ id, queue, kind, attempt, error, finishedAt, createdAt, customer }) => ({
    id,
    queue: queue as QueueName, // written from the catalog alone
    what: isJobKind(kind) ? JOB_WORDS[kind] : kind,
    customerName: customer?.name ?? null,
    attempts: attempt,
    diedMs: (finishedAt ?? createdAt).getTime(),
    reason: error ?? 'No reason was recorded.',
    canBeSent: isSentAgain(kind),
  }));
}
