import { HoldfastError } from '../../core/base/errors.ts';
import { policyDocument, type RetentionTerms } from '../../core/domain/policy.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

export interface RetentionWish {
  readonly policyId: string;
  /** The version that the person saw. */
  readonly version: number;
  /** Null: everything is kept. */
  readonly retention: RetentionTerms | null;
}

/**
 * Says which restore points of a policy's devices are kept; removes none. Keeping fewer than before is a weakening that an owner
 * accepts (docs/alerts.md). Returns the new version.
 * @throws HoldfastError forbidden, not_found; bad_request for terms that keep nothing; conflict when it was changed since.
 */
export async function changeRetention(
  services: Services,
  scope: Scope,
  { policyId, version: seen, retention }: RetentionWish,
): Promise<{ version: number }> {
  requireStaff(scope);
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const policy = await tx.policy.findFirst({ where: { tenantId: scope.tenantId, id: policyId } });
    if (policy === null) throw new HoldfastError('not_found', 'There is no such policy.');
    const { retention: _, ...rest } = policyDocument.parse(policy.document);
    const document = policyDocument.safeParse({ ...rest, ...(retention === null ? {} : { retention }) });
    if (!document.success)
      throw new HoldfastError('bad_request', 'These terms would keep nothing. Name at least one number.', {
        detail: { issues: document.error.issues },
      });
    const version = seen + 1;
    const changed = await tx.policy.updateMany({
      where: { tenantId: scope.tenantId, id: policyId, version: seen },
      data: { document: document.data, version, updatedAt: new Date(services.clock.nowMs()) },
    });
    if (changed.count === 0)
      throw new HoldfastError(
        'conflict',
        'Somebody changed this policy in the meantime, and your change was not made. Reload the page and look at theirs first.',
      );
    await audit('policy.changed', { kind: 'policy', id: policyId }, { version, retention });
    return { version };
  });
}
