/**
 * Time that shall not count: asked for with a reason, approved by a person, shown to the customer with both names. Where the
 * provider wants four eyes, nobody approves what they asked for themselves.
 */
import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { requireRole, requireStaff, type Scope } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { SlaExcuse } from '../db/generated/client.ts';
import type { Services } from '../services.ts';
import { checkReason } from './check-reason.ts';
import { enqueueRollups } from './enqueue-rollups.ts';
import { EXCUSABLE } from './excuse-for.ts';

const DAY_MS = 24 * 3_600_000;
const LENGTH_MAX_MS = 92 * DAY_MS;
/** Further back the months are paid for. */
const BACK_MAX_MS = 400 * DAY_MS;
const AHEAD_MAX_MS = 366 * DAY_MS;

/** A stretch of time of a device, or of all of them (null); or one expected backup, until the next one was due. */
export type ExcuseWish =
  | { readonly deviceId: string | null; readonly startMs: number; readonly endMs: number; readonly reason: string }
  | { readonly occurrenceId: string; readonly reason: string };

/**
 * Asks for it; where one pair of eyes is enough, it is approved by who asks.
 * @throws HoldfastError forbidden, not_found, bad_request.
 */
export async function requestExcuse(
  services: Services,
  scope: Scope,
  customerId: string,
  wish: ExcuseWish,
): Promise<{ id: string; isApproved: boolean }> {
  requireStaff(scope);
  const reason = checkReason(wish.reason);
  const { tenantId } = scope;
  const now = new Date(services.clock.nowMs());
  return await applyChange(services, scope, async (change) => {
    const { tx } = change;
    const customer = await tx.customer.findUnique({ where: { tenantId_id: { tenantId, id: customerId } } });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const time =
      'occurrenceId' in wish ? await timeOf(change, scope, customerId, wish.occurrenceId) : checkTime(wish, now);
    if (time.deviceId !== null) {
      const device = await tx.device.findFirst({ where: { tenantId, customerId, id: time.deviceId } });
      if (device === null) throw new HoldfastError('not_found', 'This customer has no such device.');
    }
    const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId }, select: { excusesNeedTwo: true } });
    const isApproved = !tenant.excusesNeedTwo;
    const excuse = await tx.slaExcuse.create({
      data: {
        tenantId,
        id: newId(services.clock),
        customerId,
        ...time,
        reason,
        state: isApproved ? 'approved' : 'requested',
        requestedBy: scope.actor.id ?? '',
        requestedAt: now,
        ...(isApproved ? { decidedBy: scope.actor.id, decidedAt: now } : {}),
      },
    });
    const subject = { kind: 'sla_excuse', id: excuse.id };
    await change.audit('sla_excuse.requested', subject, {
      customerId,
      deviceId: excuse.deviceId,
      from: excuse.startsAt.toISOString(),
      until: excuse.endsAt.toISOString(),
      reason,
    });
    if (isApproved) {
      await change.audit('sla_excuse.decided', subject, { state: 'approved' });
      await excuseOccurrences(services, change, excuse, customer.timezone);
    }
    return { id: excuse.id, isApproved };
  });
}

/** @throws HoldfastError forbidden (also for one's own, where it takes two), not_found, conflict. */
export async function decideExcuse(
  services: Services,
  scope: Scope,
  excuseId: string,
  { isApproved, words }: { readonly isApproved: boolean; readonly words: string | null },
): Promise<void> {
  requireStaff(scope);
  const said = words === null || words.trim() === '' ? null : checkReason(words);
  await applyChange(services, scope, async (change) => {
    const excuse = await ownExcuse(change, scope, excuseId);
    if (excuse.state !== 'requested') throw new HoldfastError('conflict', 'This was decided already.');
    const tenant = await change.tx.tenant.findUniqueOrThrow({
      where: { id: scope.tenantId },
      select: { excusesNeedTwo: true },
    });
    if (isApproved && tenant.excusesNeedTwo && excuse.requestedBy === scope.actor.id)
      throw new HoldfastError('forbidden', 'Somebody else has to approve what you asked for yourself.');
    const state = isApproved ? 'approved' : 'refused';
    await change.tx.slaExcuse.update({
      where: { tenantId_id: { tenantId: scope.tenantId, id: excuseId } },
      data: {
        state,
        decidedBy: scope.actor.id,
        decidedAt: new Date(services.clock.nowMs()),
        decisionWords: said,
      },
    });
    await change.audit('sla_excuse.decided', { kind: 'sla_excuse', id: excuseId }, { state, words: said });
    if (isApproved) await excuseOccurrences(services, change, excuse, await zoneOf(change, excuse));
  });
}

/** Takes it back: what it excused counts again, as it would have without. @throws HoldfastError forbidden, not_found, conflict. */
export async function withdrawExcuse(services: Services, scope: Scope, excuseId: string, words: string): Promise<void> {
  requireStaff(scope);
  const said = checkReason(words);
  await applyChange(services, scope, async (change) => {
    const excuse = await ownExcuse(change, scope, excuseId);
    if (excuse.state !== 'approved' && excuse.state !== 'requested')
      throw new HoldfastError('conflict', 'Only what was asked for or approved can be withdrawn.');
    const now = new Date(services.clock.nowMs());
    await change.tx.slaExcuse.update({
      where: { tenantId_id: { tenantId: scope.tenantId, id: excuseId } },
      data: { state: 'withdrawn', withdrawnBy: scope.actor.id, withdrawnAt: now, withdrawalWords: said },
    });
    await change.audit('sla_excuse.withdrawn', { kind: 'sla_excuse', id: excuseId }, { words: said });
    if (excuse.state !== 'approved') return;
    await change.tx.$executeRaw`
      UPDATE expected_occurrence SET outcome = unexcused_outcome, excuse_id = NULL, unexcused_outcome = NULL, resolved_at = ${now}
      WHERE tenant_id = ${scope.tenantId}::uuid AND customer_id = ${excuse.customerId}::uuid AND excuse_id = ${excuseId}::uuid`;
    await enqueueFrom(services, change, excuse, await zoneOf(change, excuse), 'excuse_withdrawn');
  });
}

/** Does it take two people to excuse time? For the owner alone, and for every customer. */
export async function setExcuseRule(services: Services, scope: Scope, needsTwo: boolean): Promise<void> {
  requireRole(scope, 'owner');
  await applyChange(services, scope, async ({ tx, audit }) => {
    await tx.tenant.update({
      where: { id: scope.tenantId },
      data: { excusesNeedTwo: needsTwo },
      select: { id: true },
    });
    await audit('sla_excuse.rule_changed', { kind: 'tenant', id: scope.tenantId }, { needsTwo });
  });
}

interface ExcusedTime {
  readonly deviceId: string | null;
  readonly sourceId: string | null;
  readonly occurrenceId: string | null;
  readonly startsAt: Date;
  readonly endsAt: Date;
}

function checkTime(wish: Exclude<ExcuseWish, { occurrenceId: string }>, now: Date): ExcusedTime {
  const { startMs, endMs, deviceId } = wish;
  const nowMs = now.getTime();
  if (endMs <= startMs) throw new HoldfastError('bad_request', 'The end has to lie after the beginning.');
  if (endMs - startMs > LENGTH_MAX_MS)
    throw new HoldfastError('bad_request', 'At most 92 days can be excused at once.');
  if (startMs < nowMs - BACK_MAX_MS || startMs > nowMs + AHEAD_MAX_MS)
    throw new HoldfastError('bad_request', 'This lies too far from today to be excused.');
  return { deviceId, sourceId: null, occurrenceId: null, startsAt: new Date(startMs), endsAt: new Date(endMs) };
}

/** From when it was due until the next one was: so long the data of a backup that did not come is missing. */
async function timeOf({ tx }: Change, scope: Scope, customerId: string, occurrenceId: string): Promise<ExcusedTime> {
  const { tenantId } = scope;
  const occurrence = await tx.expectedOccurrence.findFirst({ where: { tenantId, customerId, id: occurrenceId } });
  if (occurrence === null) throw new HoldfastError('not_found', 'This customer has no such expected backup.');
  if (!(EXCUSABLE as readonly (string | null)[]).includes(occurrence.outcome))
    throw new HoldfastError('bad_request', 'Only a backup that was missed, failed or got stuck can be excused.');
  const next = await tx.expectedOccurrence.findFirst({
    where: { tenantId, sourceId: occurrence.sourceId, dueAt: { gt: occurrence.dueAt } },
    orderBy: { dueAt: 'asc' },
    select: { dueAt: true },
  });
  const { deviceId, sourceId, dueAt, windowEnd } = occurrence;
  return { deviceId, sourceId, occurrenceId, startsAt: dueAt, endsAt: next?.dueAt ?? windowEnd };
}

async function ownExcuse({ tx }: Change, scope: Scope, id: string): Promise<SlaExcuse> {
  const { tenantId } = scope;
  // Held until the end: who decides at the same moment decides about what this one has left.
  await tx.$queryRaw`SELECT 1 FROM sla_excuse WHERE tenant_id = ${tenantId}::uuid AND id = ${id}::uuid FOR UPDATE`;
  const excuse = await tx.slaExcuse.findUnique({ where: { tenantId_id: { tenantId, id } } });
  if (excuse === null) throw new HoldfastError('not_found', 'There is no such request.');
  return excuse;
}

async function zoneOf({ tx }: Change, { tenantId, customerId }: SlaExcuse): Promise<string> {
  const customer = await tx.customer.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id: customerId } } });
  return customer.timezone;
}

/** Bad outcomes of what was due in the time; those that are still open are excused when they are resolved (excuse-for.ts). */
async function excuseOccurrences(
  services: Services,
  change: Change,
  excuse: SlaExcuse,
  timeZone: string,
): Promise<void> {
  const now = new Date(services.clock.nowMs());
  await change.tx.$executeRaw`
    UPDATE expected_occurrence SET unexcused_outcome = outcome, outcome = 'excused', excuse_id = ${excuse.id}::uuid, resolved_at = ${now}
    WHERE tenant_id = ${excuse.tenantId}::uuid AND customer_id = ${excuse.customerId}::uuid
      AND due_at >= ${excuse.startsAt} AND due_at < ${excuse.endsAt} AND outcome = ANY (${[...EXCUSABLE]}::text[])
      AND (${excuse.deviceId}::uuid IS NULL OR device_id = ${excuse.deviceId}::uuid)
      AND (${excuse.sourceId}::uuid IS NULL OR source_id = ${excuse.sourceId}::uuid)`;
  await enqueueFrom(services, change, excuse, timeZone, 'excuse_approved');
}

async function enqueueFrom(
  services: Services,
  change: Change,
  { tenantId, customerId, sourceId, startsAt }: SlaExcuse,
  timeZone: string,
  cause: 'excuse_approved' | 'excuse_withdrawn',
): Promise<void> {
  // Time that is still to come changes no figure yet.
  if (startsAt.getTime() > services.clock.nowMs()) return;
  await enqueueRollups(services, change, { tenantId, customerId, sourceId, timeZone }, startsAt.getTime(), cause);
}
