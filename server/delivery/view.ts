import type { ChannelKind } from '../../core/domain/delivery/channel-kinds.ts';
import type { ChannelRouting } from '../../core/domain/delivery/routing.ts';
import type { Severity, Transition } from '../../core/domain/delivery/notification.ts';

/** off: by a person or by itself, its reason beside it. resting: after failures in a row. failing: the last one failed. */
export type ChannelState = 'works' | 'unused' | 'failing' | 'resting' | 'off';

export interface ChannelSummary {
  readonly id: string;
  readonly kind: ChannelKind;
  readonly name: string;
  /** Where it leads, without anything secret. */
  readonly place: string;
  /** Whose it is: null is the provider's own. */
  readonly customerName: string | null;
  readonly state: ChannelState;
  readonly stateReason: string | null;
  readonly lastSentMs: number | null;
  readonly sentWeek: number;
  readonly failedWeek: number;
  readonly routing: ChannelRouting;
  readonly nextDigestMs: number | null;
}

export interface ChannelView extends ChannelSummary {
  readonly version: number;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly hasSecret: boolean;
  /** Until then the signing secret before the present one is valid too. */
  readonly oldSecretUntilMs: number | null;
  readonly deliveries: readonly DeliveryView[];
}

export interface DeliveryView {
  readonly id: string;
  readonly channelId: string;
  readonly channelName: string;
  readonly state: 'waiting' | 'sending' | 'sent' | 'failed' | 'skipped';
  readonly title: string;
  readonly subjectName: string;
  readonly customerName: string | null;
  readonly transition: Transition;
  readonly severity: Severity;
  readonly createdMs: number;
  readonly dueMs: number;
  readonly endedMs: number | null;
  readonly attempts: number;
  /** It was told inside a message of many. */
  readonly isGathered: boolean;
  readonly isReplay: boolean;
  readonly reason: string | null;
  readonly response: string | null;
  readonly reference: string | null;
  readonly canReplay: boolean;
}

export interface NotificationsView {
  readonly nowMs: number;
  readonly channels: readonly ChannelSummary[];
  readonly customers: readonly { readonly id: string; readonly name: string }[];
  /** May this person change any of it? */
  readonly canChange: boolean;
  /** Is there a mail server, so that mail can be sent at all? */
  readonly canMail: boolean;
  readonly isCustomer: boolean;
}

export interface DeliveryLogView {
  readonly nowMs: number;
  readonly rows: readonly DeliveryView[];
  readonly total: number;
  readonly channels: readonly { readonly id: string; readonly name: string }[];
}

export interface MailSenderView {
  readonly fromName: string;
  readonly fromAddress: string;
  readonly replyTo: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly hasPassword: boolean;
  readonly hasOwnServer: boolean;
  readonly hasLogo: boolean;
  /** The operator's address, where there is one. */
  readonly operatorsAddress: string | null;
}
