/** What was lost on the way is found again: dispatches that the queue forgot, and jobs whose worker is gone. */
import type { Services } from '../services.ts';
import { withDispatcher } from '../db/with-dispatcher.ts';
import { ATTEMPTS_MAX, CRASHES_MAX, type QueueName } from './catalog.ts';
import type { JobQueue } from './queue-backend.ts';

/** A dispatch that nobody claimed for so long is looked for in the queue. */
const UNCLAIMED_MS = 10_000;
/** Looked for in one pass. */
const BATCH = 200;
/** Finished intents are kept so long for the curious, dead ones for whoever has to find out why. */
const DONE_KEPT_HOURS = 48;
const DEAD_KEPT_DAYS = 30;

const CRASHED =
  'The worker ended in the middle of the job: it was killed, ran out of memory, or stood still for more than a minute.';

export async function reconcileIntents(
  services: Services,
  queues: Readonly<Record<QueueName, JobQueue>>,
): Promise<void> {
  await repeatLostDispatches(services, queues);
  await withDispatcher(services, async (tx) => {
    await tx.$executeRaw`UPDATE job_intent SET crashes = crashes + 1, lease_until = NULL,
        state = CASE WHEN crashes + 1 >= ${CRASHES_MAX} OR attempt >= ${ATTEMPTS_MAX} THEN 'dead' ELSE 'waiting' END,
        finished_at = CASE WHEN crashes + 1 >= ${CRASHES_MAX} OR attempt >= ${ATTEMPTS_MAX} THEN now() END,
        error = ${CRASHED}
      WHERE state = 'running' AND lease_until < now()
        AND NOT EXISTS (SELECT 1 FROM job_intent o WHERE o.tenant_id = job_intent.tenant_id AND o.kind = job_intent.kind
          AND o.dedupe_key = job_intent.dedupe_key AND o.state IN ('waiting', 'dispatched'))`;
    // One with the same key waits already and will do the work.
    await tx.$executeRaw`UPDATE job_intent SET crashes = crashes + 1, lease_until = NULL, state = 'done', finished_at = now(),
        error = 'The worker ended in the middle of the job; a newer one does the work.'
      WHERE state = 'running' AND lease_until < now()`;
  });
}

export async function forgetOldIntents(services: Services): Promise<void> {
  await withDispatcher(services, async (tx) => {
    await tx.$executeRaw`DELETE FROM job_intent
      WHERE state = 'done' AND finished_at < now() - ${DONE_KEPT_HOURS} * interval '1 hour'`;
    await tx.$executeRaw`DELETE FROM job_intent
      WHERE state = 'dead' AND finished_at < now() - ${DEAD_KEPT_DAYS} * interval '1 day'`;
  });
}

interface Unclaimed {
  readonly tenantId: string;
  readonly id: string;
  readonly queue: QueueName;
  readonly dispatches: number;
}

/**
 * Waits in the queue behind long jobs, or was lost with it? Only the queue knows. What it still has is left alone: sent again
 * each minute, a backlog would fill the queue with copies. A lost dispatch is nobody's fault: it costs no attempt.
 */
async function repeatLostDispatches(services: Services, queues: Readonly<Record<QueueName, JobQueue>>): Promise<void> {
  const unclaimed = await withDispatcher(
    services,
    (tx) => tx.$queryRaw<Unclaimed[]>`SELECT tenant_id AS "tenantId", id, queue, dispatches FROM job_intent
      WHERE state = 'dispatched' AND dispatched_at < now() - ${UNCLAIMED_MS} * interval '1 millisecond'
      ORDER BY dispatched_at LIMIT ${BATCH}`,
  );
  for (const { tenantId, id, queue, dispatches } of unclaimed) {
    let isKnown: boolean | undefined;
    try {
      isKnown = await queues[queue]?.has(`${id}-${dispatches}`);
    } catch (error) {
      services.log.warn({ err: error, queue }, 'the queue does not answer; what it holds is looked for later');
      return;
    }
    await withDispatcher(services, (tx) =>
      isKnown === true
        ? tx.$executeRaw`UPDATE job_intent SET dispatched_at = now()
            WHERE tenant_id = ${tenantId}::uuid AND id = ${id}::uuid AND state = 'dispatched' AND dispatches = ${dispatches}`
        : tx.$executeRaw`UPDATE job_intent SET state = 'waiting'
            WHERE tenant_id = ${tenantId}::uuid AND id = ${id}::uuid AND state = 'dispatched' AND dispatches = ${dispatches}`,
    );
  }
}
