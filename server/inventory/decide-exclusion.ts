/** Somebody decides that a volume or a database server need not be backed up, and why; or takes it back. The customer reads both. */
import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { databaseKey } from '../../core/domain/sla/data-coverage.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { checkReason } from '../sla/check-reason.ts';
import { loadCoverageFacts } from './load-coverage-facts.ts';

export interface ExclusionWish {
  readonly kind: 'volume' | 'database';
  /** The mount point, or the key of the database server. */
  readonly subject: string;
  readonly words: string;
}

/** @throws HoldfastError forbidden, bad_request without a reason, not_found for what the machine does not have, conflict. */
export async function excludeFromCoverage(
  services: Services,
  scope: Scope,
  deviceId: string,
  { kind, subject, words }: ExclusionWish,
): Promise<{ id: string }> {
  requireStaff(scope);
  const reason = checkReason(words);
  const nowMs = services.clock.nowMs();
  const { tenantId } = scope;
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const device = await tx.device.findFirst({ where: { tenantId, id: deviceId, revokedAt: null } });
    if (device === null) throw new HoldfastError('not_found', 'There is no such device.');
    const { customerId } = device;
    const [mine] = await loadCoverageFacts(tx, { tenantId, customerId, deviceId }, nowMs);
    const has =
      kind === 'volume'
        ? mine?.volumes?.some(({ mountPoint }) => mountPoint === subject)
        : mine?.databases?.some((database) => databaseKey(database) === subject);
    if (has !== true)
      throw new HoldfastError(
        'not_found',
        'The machine did not name this when it last told what it holds. Nothing was changed; look at its list again.',
      );
    const inForce = { tenantId, deviceId, kind, subject, withdrawnAt: null };
    if ((await tx.coverageExclusion.count({ where: inForce })) > 0)
      throw new HoldfastError('conflict', 'This is left out already. Look at the list of what is left out.');
    const id = newId(services.clock);
    await tx.coverageExclusion.create({
      data: {
        ...{ tenantId, id, customerId, deviceId, kind, subject, reason },
        decidedBy: scope.actor.id ?? '',
        decidedAt: new Date(nowMs),
      },
    });
    await audit('coverage.excluded', { kind: 'device', id: deviceId }, { exclusionId: id, kind, subject, reason });
    return { id };
  });
}

/** What was left out counts again. @throws HoldfastError forbidden, not_found. */
export async function withdrawExclusion(services: Services, scope: Scope, exclusionId: string): Promise<void> {
  requireStaff(scope);
  const { tenantId } = scope;
  await applyChange(services, scope, async ({ tx, audit }) => {
    const found = await tx.coverageExclusion.findFirst({ where: { tenantId, id: exclusionId, withdrawnAt: null } });
    if (found === null) throw new HoldfastError('not_found', 'There is no such decision (any more).');
    await tx.coverageExclusion.updateMany({
      where: { tenantId, id: exclusionId, withdrawnAt: null },
      data: { withdrawnBy: scope.actor.id, withdrawnAt: new Date(services.clock.nowMs()) },
    });
    const { kind, subject, deviceId } = found;
    await audit('coverage.exclusion_withdrawn', { kind: 'device', id: deviceId }, { exclusionId, kind, subject });
  });
}
