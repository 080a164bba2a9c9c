import type { AuditAction, AuditSubject } from '../../core/domain/audit.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';

type Who = Pick<Scope, 'customerId' | 'actor'>;

export interface AuditEntry {
  readonly action: AuditAction;
  readonly subject: AuditSubject;
  /** Never secrets. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Appends to the tenant's hash chain through the one function of the database that may. Never secrets in `data`. */
export async function appendAudit(
  tx: Tx,
  scope: Who,
  action: AuditAction,
  subject: AuditSubject,
  data: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await appendAudits(tx, scope, [{ action, subject, data }]);
}

/** The same for many, in their order and in one statement: the sweep opens hundreds of alerts in one transaction. */
export async function appendAudits(tx: Tx, scope: Who, entries: readonly AuditEntry[]): Promise<void> {
  const rows = entries.map(({ action, subject, data = {} }, n) => ({
    n,
    action,
    subject_kind: subject.kind,
    subject_id: subject.id,
    data,
  }));
  await tx.$queryRaw`
    SELECT count(audit_append(${scope.customerId}::uuid, ${scope.actor.kind}, ${scope.actor.id}::uuid, e.action, e.subject_kind,
      e.subject_id, e.data))::int AS written
    FROM (SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      AS e(n int, action text, subject_kind text, subject_id uuid, data jsonb) ORDER BY n) e`;
}
