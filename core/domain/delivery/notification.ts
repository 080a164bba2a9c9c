/** What is told to people and machines, whatever it is told through. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * The first five follow an alert from its beginning to its end. `notice` is a word of the service about itself, `digest` the
 * day in one message, `test` what a person asked for to see whether a channel works.
 */
export const TRANSITIONS = [
  'opened',
  'updated',
  'acknowledged',
  'snoozed',
  'resolved',
  'notice',
  'digest',
  'test',
] as const;
export type Transition = (typeof TRANSITIONS)[number];

export interface NotificationEvent {
  readonly tenantId: string;
  /** Null: it concerns the provider alone. */
  readonly customerId: string | null;
  /** What caused it. Told twice, it is one notification: a sweep and the transaction of the cause may both tell it. */
  readonly sourceKey: string;
  /** What it is about, for as long as that lasts: `alert:<id>`. Mails of one subject thread, tickets of one subject are one. */
  readonly subjectKey: string;
  readonly transition: Transition;
  readonly severity: Severity;
  /** As the alert's: `missed`, `damage`, `drill_failed`. */
  readonly kind: string;
  /** The device or the customer, as people call it. */
  readonly subjectName: string;
  /** A few words. */
  readonly title: string;
  /** What happened, what it means for the data, what to do. */
  readonly message: string;
  /** Where in the portal it is seen: `/devices/<id>`. */
  readonly path: string;
  readonly atMs: number;
}

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}
