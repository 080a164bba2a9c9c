import { HoldfastError } from '../../core/base/errors.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import { queueDrill } from '../drills/queue-drill.ts';
import { isJobKind, JOBS, type JobKind } from '../jobs/catalog.ts';
import type { Services } from '../services.ts';
import { addVerification, queueVerification } from '../verification/queue-verification.ts';

/**
 * What becomes of a dead letter that is sent again. `itself`: the same intent, with all its attempts. `ordered`: its order was
 * ended as void when it died, so a new one is given for the same restore point; the intent itself where it was not yet. `asked`: a person was told that it failed
 * and asks again where they are.
 */
const AGAIN: Readonly<Record<JobKind, 'itself' | 'ordered' | 'asked'>> = {
  seal: 'itself',
  verify: 'ordered',
  drill: 'ordered',
  rollup: 'itself',
  report: 'itself',
  'list-folder': 'asked',
  'prepare-download': 'asked',
  'schedule-sweep': 'itself',
  'evidence-sweep': 'itself',
  deliver: 'itself',
  'notify-sweep': 'itself',
  housekeeping: 'itself',
};

/** States of an order that somebody still has to carry out. */
const STANDING = new Set(['queued', 'running']);

export function isSentAgain(kind: string): boolean {
  return isJobKind(kind) && AGAIN[kind] !== 'asked';
}

/**
 * A person of the provider has a dead letter's work done after all.
 * @throws HoldfastError forbidden; not_found when it is no dead letter (any more); bad_request for one that is not sent again.
 */
export async function sendAgain(services: Services, scope: Scope, intentId: string): Promise<Record<string, never>> {
  requireStaff(scope);
  await applyChange(services, scope, async (change) => {
    const where = { tenantId: scope.tenantId, id: intentId, state: 'dead' };
    const dead = await change.tx.jobIntent.findFirst({ where });
    if (dead === null || !isJobKind(dead.kind))
      throw new HoldfastError('not_found', 'This job is not among the failed ones any more.');
    const again = AGAIN[dead.kind];
    if (again === 'asked')
      throw new HoldfastError(
        'bad_request',
        'Whoever waited for this was told that it failed. Ask for it again there.',
      );
    const isOrdered = again === 'ordered' && (await orderAnew(services, scope, change, dead.kind, dead.payload));
    const isWaiting = !isOrdered && !(await waitsAlready(change, scope, dead.kind, dead.dedupeKey));
    const { count } = await change.tx.jobIntent.updateMany({
      where,
      data: isWaiting
        ? { state: 'waiting', runAfter: new Date(), attempt: 0, crashes: 0, finishedAt: null }
        : { state: 'done', finishedAt: new Date() },
    });
    if (count === 0) throw new HoldfastError('not_found', 'Somebody else has sent this job again already.');
    await change.audit('job.sent_again', { kind: 'job_intent', id: intentId }, { job: dead.kind, reason: dead.error });
  });
  return {};
}

/** One of the same key that waits, or runs, does the same work. */
async function waitsAlready(change: Change, scope: Scope, kind: JobKind, dedupeKey: string | null): Promise<boolean> {
  if (dedupeKey === null) return false;
  const states = ['waiting', 'dispatched'];
  const where = { tenantId: scope.tenantId, kind, dedupeKey, state: { in: states } };
  return (await change.tx.jobIntent.count({ where })) > 0;
}

/** @returns false when the old order still stands: its worker died, and nobody has ended it yet. */
async function orderAnew(
  services: Services,
  scope: Scope,
  change: Change,
  kind: JobKind,
  payload: unknown,
): Promise<boolean> {
  const { tenantId } = scope;
  const gone = (): HoldfastError =>
    new HoldfastError('not_found', 'The restore point of this job is not there any more, so there is nothing to do.');
  if (kind === 'verify') {
    const { verificationId: id } = JOBS.verify.payload.parse(payload);
    const order = await change.tx.verification.findFirst({ where: { tenantId, id } });
    if (order !== null && STANDING.has(order.state)) return false;
    if (order === null) throw gone();
    if (order.restorePointId === null) {
      // A look at the whole vault: what it still needs stands in its own row, as when it was ordered first.
      const { purpose, level, readsAll, damageId } = order;
      await addVerification(services, change, order, {
        purpose: purpose as 'rolling' | 'trace' | 'repair', // held by a CHECK constraint; `point` has a restore point
        level: level as 0 | 1 | 2,
        readsAll,
        ...(damageId === null ? {} : { damageId }),
      });
      return true;
    }
    const point = await findPoint(change, tenantId, order.restorePointId);
    if (point === null) throw gone();
    await queueVerification(services, change, point);
    return true;
  }
  const { drillId: id } = JOBS.drill.payload.parse(payload);
  const order = await change.tx.drill.findFirst({ where: { tenantId, id } });
  if (order !== null && STANDING.has(order.state)) return false;
  const point = order && (await findPoint(change, tenantId, order.restorePointId));
  if (!point || point.state !== 'sealed') throw gone();
  await queueDrill(services, change, point, {
    level: order.level,
    scope: order.scope as 'sample' | 'full', // held by a CHECK constraint of the database, as the next one
    pointChoice: order.pointChoice as 'latest' | 'random' | 'oldest' | 'chosen',
    trigger: 'manual',
    requestedBy: scope.actor.id,
  });
  return true;
}

async function findPoint(change: Change, tenantId: string, id: string) {
  return await change.tx.restorePoint.findFirst({ where: { tenantId, id, state: { not: 'expired' } } });
}
