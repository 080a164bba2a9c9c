/** A new version of what is promised to a customer. Versions are added and never changed. */
import { HoldfastError } from '../../core/base/errors.ts';
import { monthOf, monthWindow } from '../../core/domain/calendar.ts';
import type { SlaTerms } from '../../core/domain/sla/contract.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';
import { enqueueRollups } from './enqueue-rollups.ts';
import { checkReason } from './check-reason.ts';

/** Further ahead nobody knows what will be promised. */
const AHEAD_MS = 366 * 24 * 3_600_000;

export interface ContractWish {
  readonly terms: SlaTerms;
  readonly validFromMs: number;
  readonly reason: string;
  /** The version that the wish was made on, null for none; another one since then is not written over. Left out: whichever it is. */
  readonly basedOn?: number | null;
}

/**
 * @returns the number of the version.
 * @throws HoldfastError forbidden, not_found; bad_request for a date before the present month (what was promised then stays) or
 *   something assigned that the customer does not have; conflict when somebody else added a version meanwhile.
 */
export async function changeContract(
  services: Services,
  scope: Scope,
  customerId: string,
  { terms, validFromMs, reason, basedOn }: ContractWish,
): Promise<{ version: number }> {
  requireStaff(scope);
  const said = checkReason(reason);
  const nowMs = services.clock.nowMs();
  const { tenantId } = scope;
  return await applyChange(services, scope, async (change) => {
    const { tx } = change;
    const customer = await tx.customer.findUnique({ where: { tenantId_id: { tenantId, id: customerId } } });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const { startMs } = monthWindow(monthOf(nowMs, customer.timezone), customer.timezone);
    if (validFromMs < startMs)
      throw new HoldfastError(
        'bad_request',
        'A contract can change from the first day of this month at the earliest. What was promised before stays promised.',
      );
    if (validFromMs > nowMs + AHEAD_MS)
      throw new HoldfastError('bad_request', 'A contract can change within a year from now at the latest.');
    await requireOwn(tx, { tenantId, customerId }, terms);
    const newest = await tx.slaContractVersion.aggregate({ where: { tenantId, customerId }, _max: { version: true } });
    if (basedOn !== undefined && newest._max.version !== basedOn) throw changedMeanwhile();
    const version = (newest._max.version ?? 0) + 1;
    const { count } = await tx.slaContractVersion.createMany({
      skipDuplicates: true,
      data: {
        tenantId,
        version,
        customerId,
        validFrom: new Date(validFromMs),
        terms,
        reason: said,
        createdBy: scope.actor.id ?? '',
        createdAt: new Date(nowMs),
      },
    });
    if (count === 0) throw changedMeanwhile();
    await change.audit(
      'sla_contract.changed',
      { kind: 'customer', id: customerId },
      { version, validFrom: new Date(validFromMs).toISOString(), reason: said },
    );
    if (validFromMs <= nowMs) {
      const place = { tenantId, customerId, sourceId: null, timeZone: customer.timezone };
      await enqueueRollups(services, change, place, validFromMs, 'contract_changed');
    }
    return { version };
  });
}

function changedMeanwhile(): HoldfastError {
  return new HoldfastError(
    'conflict',
    'Somebody changed this contract meanwhile, so nothing was written. Reload the page and look at it first.',
  );
}

/** What is assigned has to be the customer's. One that is gone since may stay: versions are copied from one another. */
async function requireOwn(
  tx: Tx,
  where: { readonly tenantId: string; readonly customerId: string },
  { assignments }: SlaTerms,
): Promise<void> {
  const idsOf = (kind: string): string[] => assignments.filter((one) => one.kind === kind).map(({ id }) => id);
  const [sources, devices, policies] = [idsOf('source'), idsOf('device'), idsOf('policy')];
  const found =
    (await tx.source.count({ where: { ...where, id: { in: sources } } })) +
    (await tx.device.count({ where: { ...where, id: { in: devices } } })) +
    (await tx.policy.count({ where: { ...where, id: { in: policies } } }));
  if (found !== assignments.length)
    throw new HoldfastError('bad_request', 'Something that is assigned to a tier does not belong to this customer.');
}
