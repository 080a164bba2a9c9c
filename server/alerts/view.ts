/** Plain data for screens. Times are milliseconds since the epoch. */
import type { AlertEventKind, Resolution } from '../../core/domain/alerts/events.ts';
import type { AlertGroup, GroupedAlert } from '../../core/domain/alerts/groups.ts';
import type { AlertKind, Severity } from '../../core/domain/alerts/kinds.ts';
import type { NoiseReport } from '../../core/domain/alerts/noise.ts';
import type { Rule } from '../../core/domain/alerts/rules.ts';
import type { AlertTicket } from './alert-tickets.ts';
import type { TeamTimeView } from './view-team-time.ts';

/** Something that needs a person, as the page of a device shows it. */
export interface AlertView {
  readonly id: string;
  readonly deviceId: string | null;
  readonly kind: string;
  readonly severity: Severity;
  readonly title: string;
  readonly message: string;
  readonly openedMs: number;
}

export interface Person {
  readonly id: string;
  readonly name: string;
}

export interface TodayAlert extends GroupedAlert {
  readonly timeZone: string;
  readonly reopenings: number;
  /** Those that are open. */
  readonly tickets: readonly AlertTicket[];
}

export interface TodayView {
  readonly nowMs: number;
  readonly groups: readonly AlertGroup<TodayAlert>[];
  readonly snoozed: number;
  readonly counts: {
    readonly open: number;
    readonly breachingSoon: number;
    readonly silent: number;
    readonly failedDrills: number;
    readonly anomalies: number;
  };
  /** Those that `breachingSoon` counts, the first to breach first; of very many the first ones. */
  readonly breaching: readonly BreachingDevice[];
  /** More alerts stand than are shown; what is left out is less urgent. */
  readonly isCut: boolean;
  readonly devices: number;
  readonly staff: readonly Person[];
  readonly review: { readonly name: string; readonly atMs: number; readonly openGroups: number } | null;
  readonly mayApprove: boolean;
}

export interface BreachingDevice {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly customerName: string;
  readonly timeZone: string;
  readonly breachMs: number;
}

export const ALERT_STATES = ['open', 'acknowledged', 'snoozed', 'resolved'] as const;
export type AlertState = (typeof ALERT_STATES)[number];

/** What a list may show: one state, or alerts whatever became of them. */
export const ALERT_LISTS = [...ALERT_STATES, 'any'] as const;
export type AlertListState = (typeof ALERT_LISTS)[number];

export interface AlertRow extends AlertView {
  readonly customerId: string;
  readonly customerName: string;
  readonly timeZone: string;
  readonly deviceName: string | null;
  readonly ruleName: string | null;
  readonly state: AlertState;
  readonly resolvedMs: number | null;
  readonly resolution: Resolution | null;
  readonly ownerName: string | null;
  readonly reopenings: number;
}

export interface AlertList {
  readonly nowMs: number;
  readonly total: number;
  readonly rows: readonly AlertRow[];
  readonly counts: Readonly<Record<AlertListState, number>>;
}

export interface AlertStep {
  readonly id: string;
  readonly atMs: number;
  readonly kind: AlertEventKind;
  /** Null: the service. */
  readonly who: string | null;
  readonly note: string | null;
  readonly detail: string | null;
}

export interface AlertDetail {
  readonly nowMs: number;
  readonly alert: AlertRow & {
    readonly kind: AlertKind;
    readonly policyName: string | null;
    readonly acknowledgedMs: number | null;
    readonly ownerId: string | null;
  };
  readonly steps: readonly AlertStep[];
  /** Of the provider's service desks; for staff. */
  readonly tickets: readonly AlertTicket[];
  /** Earlier and later stretches of the same trouble, the newest first. */
  readonly episode: readonly { readonly id: string; readonly openedMs: number; readonly resolvedMs: number | null }[];
  readonly staff: readonly Person[];
  readonly mayAct: boolean;
  readonly mayApprove: boolean;
}

export interface RuleView {
  readonly rule: Rule;
  readonly isChanged: boolean;
  /** Who changed it last; null: nobody did, or nobody knows. */
  readonly changedBy: { readonly who: string; readonly atMs: number } | null;
  readonly noise: NoiseReport;
}

export interface RulesView {
  readonly nowMs: number;
  readonly devices: number;
  readonly days: number;
  readonly rules: readonly RuleView[];
  /** Of all rules together. */
  readonly noise: NoiseReport;
  readonly teamTime: TeamTimeView;
  readonly customers: readonly (Person & { readonly quotaBytes: number | null })[];
  readonly policies: readonly (Person & { readonly customerName: string })[];
  /** What differs from the rules at customers, and what did before; the newest first. */
  readonly urgencies: readonly UrgencyLine[];
  readonly mayChange: boolean;
}

export interface UrgencyLine {
  readonly id: string;
  readonly customerId: string;
  readonly customerName: string;
  readonly ruleKey: string;
  readonly ruleName: string;
  /** Null: as the rule says, again. */
  readonly severity: Severity | null;
  readonly who: string;
  readonly atMs: number;
  /** No newer one of this customer and rule. */
  readonly isInForce: boolean;
}

export interface BackTestView {
  readonly days: number;
  /** So much of these days is known, the newest: what some rules look at is kept since a certain day alone. */
  readonly knownMs: number;
  /** What the rule looks at, and what its alerts are about. `setting`: a policy, or who holds the keys of a vault. */
  readonly about: 'device' | 'quota' | 'customer' | 'setting';
  /** So many of `total` devices, or quotas, were looked at. */
  readonly looked: number;
  readonly total: number;
  readonly alerts: number;
  /** What they are about, and how many customers that concerns. */
  readonly hit: number;
  readonly customersHit: number;
  readonly noisy: number;
  readonly stillOpen: number;
  readonly medianMs: number | null;
  readonly longestMs: number | null;
  /** Those hit most, the first first. */
  readonly worst: readonly {
    readonly id: string;
    readonly name: string;
    /** Null: it is the customer. */
    readonly customerName: string | null;
    readonly alerts: number;
    readonly totalMs: number;
  }[];
  /** By day that is known, the oldest first, to see whether it would have come in storms. */
  readonly perDay: readonly number[];
}
