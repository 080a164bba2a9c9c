import type { Severity, Transition } from '../../../core/domain/delivery/notification.ts';

/** One notification inside a message, as it is told. */
export interface ToldNotification {
  readonly id: string;
  readonly subjectKey: string;
  readonly transition: Transition;
  readonly severity: Severity;
  readonly kind: string;
  readonly customerId: string | null;
  readonly customerName: string | null;
  readonly subjectName: string;
  readonly title: string;
  readonly message: string;
  readonly path: string;
  readonly atMs: number;
}

/** One message of one notification, or of many that came together. */
export interface OutgoingMessage {
  /** The same for every attempt and every replay. */
  readonly key: string;
  readonly channelId: string;
  /** Never empty. */
  readonly told: readonly [ToldNotification, ...ToldNotification[]];
  readonly providerName: string;
  /** Where the portal is reached, without a slash at its end; undefined where nobody has said so. */
  readonly portalUrl: string | undefined;
  readonly sentMs: number;
}
