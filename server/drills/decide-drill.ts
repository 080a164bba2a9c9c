/** What people say to a drill's verdict: accepted, or what was done about it. Each is a row's word and a record of its own. */
import { HoldfastError } from '../../core/base/errors.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import { appendEvidence } from '../evidence/append-evidence.ts';
import { findFirstRecord } from '../evidence/find-first-record.ts';
import type { Drill } from '../db/generated/client.ts';
import type { Services } from '../services.ts';

export const DECISION_CHARS_MAX = 4000;

/** Accepts a drill with its verdict. @throws HoldfastError not_found, forbidden, conflict (no verdict, accepted already). */
export async function approveDrill(
  services: Services,
  scope: Scope,
  drillId: string,
  words: string | null = null,
): Promise<void> {
  requireStaff(scope);
  const said = words === null || words.trim() === '' ? null : checkWords(words);
  await applyChange(services, scope, async (change) => {
    const drill = await ownDrill(change, scope, drillId);
    requireVerdict(drill);
    if (drill.approvedAt !== null) throw new HoldfastError('conflict', 'This drill was accepted already.');
    await change.tx.drill.update({
      where: { tenantId_id: { tenantId: scope.tenantId, id: drillId } },
      data: { approvedBy: scope.actor.id, approvedAt: new Date(services.clock.nowMs()) },
    });
    await change.audit('drill.approved', { kind: 'drill', id: drillId }, {});
    await appendDecision(services, change, scope, drill, 'drill_approved', said);
  });
}

/** Says what was done about a drill that failed. Said again, the newest stands in the row and each in the evidence. */
export async function remediateDrill(services: Services, scope: Scope, drillId: string, words: string): Promise<void> {
  requireStaff(scope);
  const said = checkWords(words);
  await applyChange(services, scope, async (change) => {
    const drill = await ownDrill(change, scope, drillId);
    requireVerdict(drill);
    await change.tx.drill.update({
      where: { tenantId_id: { tenantId: scope.tenantId, id: drillId } },
      data: { remediation: said, remediatedBy: scope.actor.id, remediatedAt: new Date(services.clock.nowMs()) },
    });
    await change.audit('drill.remediated', { kind: 'drill', id: drillId }, {});
    await appendDecision(services, change, scope, drill, 'drill_remediated', said);
  });
}

/** @throws HoldfastError bad_request for no words, or too many. */
export function checkWords(words: string): string {
  const said = words.trim();
  if (said === '') throw new HoldfastError('bad_request', 'Say why, in a few words: it becomes part of the evidence.');
  if (said.length > DECISION_CHARS_MAX)
    throw new HoldfastError('bad_request', `Say it in at most ${DECISION_CHARS_MAX} characters.`);
  return said;
}

/** @throws HoldfastError not_found. */
export async function ownDrill({ tx }: Pick<Change, 'tx'>, scope: Scope, drillId: string): Promise<Drill> {
  const drill = await tx.drill.findUnique({ where: { tenantId_id: { tenantId: scope.tenantId, id: drillId } } });
  if (drill === null) throw new HoldfastError('not_found', 'There is no such drill.');
  return drill;
}

function requireVerdict({ state }: Drill): void {
  if (state === 'queued' || state === 'running')
    throw new HoldfastError('conflict', 'This drill has no verdict yet. Wait until it has ended.');
}

/** A further record that names the first. */
export async function appendDecision(
  services: Services,
  change: Change,
  scope: Scope,
  drill: Drill,
  kind: 'drill_approved' | 'drill_remediated' | 'drill_voided',
  words: string | null,
): Promise<void> {
  const { tenantId, customerId, id: drillId } = drill;
  const by = await change.tx.appUser.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: scope.actor.id ?? '' } },
    select: { id: true, name: true },
  });
  const about = await findFirstRecord(change.tx, { tenantId, drillId });
  const draft = { tenantId, customerId, drillId, about };
  if (kind === 'drill_approved') appendEvidence(services, change, { ...draft, kind, body: { drillId, by, words } });
  else appendEvidence(services, change, { ...draft, kind, body: { drillId, by, words: words ?? '' } });
}
