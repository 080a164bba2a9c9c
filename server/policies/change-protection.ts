import { HoldfastError } from '../../core/base/errors.ts';
import type { BackupSource } from '../../core/domain/backup-source.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

export interface ProtectionWish {
  readonly policyId: string;
  /** The version that the person saw. */
  readonly version: number;
  readonly paths: readonly string[];
  readonly excludes: readonly string[];
  readonly sources: readonly BackupSource[];
}

/**
 * Changes what a policy protects; everything else of it stays. Returns its new version.
 * @throws HoldfastError forbidden, not_found; bad_request when nothing would be protected; conflict when it was changed since.
 */
export async function changeProtection(
  services: Services,
  scope: Scope,
  wish: ProtectionWish,
): Promise<{ version: number }> {
  requireStaff(scope);
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const policy = await tx.policy.findFirst({ where: { tenantId: scope.tenantId, id: wish.policyId } });
    if (policy === null) throw new HoldfastError('not_found', 'There is no such policy.');
    const { sources: _, ...rest } = policyDocument.parse(policy.document);
    const document = policyDocument.safeParse({
      ...rest,
      paths: wish.paths,
      excludes: wish.excludes,
      ...(wish.sources.length === 0 ? {} : { sources: wish.sources }),
    });
    if (!document.success)
      throw new HoldfastError(
        'bad_request',
        'Nothing would be protected. Name at least one folder, database or command.',
        { detail: { issues: document.error.issues } },
      );
    const version = wish.version + 1;
    const changed = await tx.policy.updateMany({
      where: { tenantId: scope.tenantId, id: policy.id, version: wish.version },
      data: { document: document.data, version, updatedAt: new Date(services.clock.nowMs()) },
    });
    if (changed.count === 0)
      throw new HoldfastError(
        'conflict',
        'Somebody changed this policy in the meantime, and your change was not made. Reload the page and look at theirs first.',
      );
    await audit(
      'policy.changed',
      { kind: 'policy', id: policy.id },
      {
        version,
        paths: wish.paths,
        excludes: wish.excludes,
        sources: wish.sources.map(({ kind, label }) => `${kind}/${label}`),
      },
    );
    return { version };
  });
}
