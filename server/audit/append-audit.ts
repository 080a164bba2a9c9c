import type { AuditAction, AuditSubject } from '../../core/domain/audit.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';

/** Appends to the tenant's hash chain through the one function of the database that may. Never secrets in `data`. */
export async function appendAudit(
  tx: Tx,
  scope: Pick<Scope, 'customerId' | 'actor'>,
  action: AuditAction,
  subject: AuditSubject,
  data: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await tx.$queryRaw`SELECT audit_append(${scope.customerId}::uuid, ${scope.actor.kind}, ${scope.actor.id}::uuid, ${action},
    ${subject.kind}, ${subject.id}::uuid, ${JSON.stringify(data)}::jsonb)`;
}
