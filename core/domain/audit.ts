/** Everything that leaves a row in the audit chain. A closed union: a new action is added here, and thereby reviewed. */
export const AUDIT_ACTIONS = [
  'tenant.created',
  'customer.created',
  'user.created',
  'user.signed_in',
  'user.signed_out',
  'policy.created',
  'enrolment_token.created',
  'device.enrolled',
  'device.revoked',
  'device.clone_suspected',
  'vault.initialised',
  'vault.ready',
  'backup.requested',
  'command.finished',
  'run.started',
  'run.committed',
  'run.sealed',
  'run.failed',
  'restore.granted',
  'verification.requested',
  'verification.finished',
  'restore_point.quarantined',
  'drill.requested',
  'drill.finished',
  'listing.requested',
  'download.requested',
  'download.opened',
  'alert.opened',
  'alert.resolved',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditSubject {
  /** Lower-case word, as the table is called. */
  readonly kind: string;
  readonly id: string | null;
}
