/**
 * Open alerts by root cause, across all customers: the morning's list has one item for one piece of work, not one for each
 * machine. Pure; every alert is in exactly one group, in whatever order they come.
 */
import { isPlainCause, PLAIN_CAUSES } from './causes.ts';
import { type AlertKind, KIND_WORDS, SEVERITIES, type Severity, worstSeverity } from './kinds.ts';

/** So many machines of one customer out of reach at once are a line or a site that is down, not so many machines. */
export const STORM_DEVICES_MIN = 3;
/** From so many devices on it is worth saying what all of them share. */
const SHARED_DEVICES_MIN = 3;

export interface GroupedAlert {
  readonly id: string;
  readonly kind: AlertKind;
  readonly severity: Severity;
  readonly cause: string;
  readonly title: string;
  readonly message: string;
  readonly customerId: string;
  readonly customerName: string;
  readonly deviceId: string | null;
  readonly deviceName: string | null;
  readonly policyName: string | null;
  readonly agentVersion: string | null;
  readonly openedMs: number;
  /** When the promise to the customer is broken unless a usable backup comes; past: it is. Null: nothing is promised. */
  readonly breachMs: number | null;
  readonly ownerId: string | null;
  readonly acknowledgedMs: number | null;
}

export interface AlertGroup<A extends GroupedAlert = GroupedAlert> {
  /** The same for the same cause from one look to the next. */
  readonly key: string;
  readonly title: string;
  /** What all of its devices share beside the cause: a policy, an agent version. */
  readonly shared: readonly string[];
  readonly severity: Severity;
  readonly kinds: readonly AlertKind[];
  readonly devices: number;
  readonly customers: number;
  readonly openedMs: number;
  readonly breachMs: number | null;
  /** The one who has all of it; null: nobody, or several. */
  readonly ownerId: string | null;
  readonly isAcknowledged: boolean;
  /** The most urgent first. */
  readonly alerts: readonly A[];
}

/** The most urgent group first: by severity, then by the time to the breach, then the oldest. */
export function groupAlerts<A extends GroupedAlert>(alerts: readonly A[]): AlertGroup<A>[] {
  const down = sitesThatAreDown(alerts);
  const byKey = Map.groupBy(alerts, (alert) => keyOf(alert, down));
  return [...byKey].map(([key, members]) => toGroup(key, members)).sort(byUrgency);
}

function keyOf(alert: GroupedAlert, down: ReadonlySet<string>): string {
  if (alert.cause === 'offline') return down.has(alert.customerId) ? `site:${alert.customerId}` : 'offline';
  return alert.cause === '' ? alert.kind : alert.cause;
}

function sitesThatAreDown(alerts: readonly GroupedAlert[]): Set<string> {
  const offline = alerts.filter(({ cause, deviceId }) => cause === 'offline' && deviceId !== null);
  const byCustomer = Map.groupBy(offline, ({ customerId }) => customerId);
  return new Set(
    [...byCustomer].filter(([, found]) => countOf(found, 'deviceId') >= STORM_DEVICES_MIN).map(([id]) => id),
  );
}

function toGroup<A extends GroupedAlert>(key: string, members: readonly A[]): AlertGroup<A> {
  const alerts = [...members].sort(
    (a, b) => severityRank(a) - severityRank(b) || breachOf(a) - breachOf(b) || a.openedMs - b.openedMs || byId(a, b),
  );
  const owners = new Set(alerts.map(({ ownerId }) => ownerId));
  const breach = Math.min(...alerts.map(breachOf));
  return {
    key,
    title: titleOf(key, alerts),
    shared: sharedOf(alerts),
    severity: worstSeverity(alerts.map(({ severity }) => severity)),
    kinds: [...new Set(alerts.map(({ kind }) => kind))],
    devices: countOf(alerts, 'deviceId'),
    customers: countOf(alerts, 'customerId'),
    openedMs: Math.min(...alerts.map(({ openedMs }) => openedMs)),
    breachMs: breach === Number.POSITIVE_INFINITY ? null : breach,
    ownerId: owners.size === 1 ? [...owners][0]! : null,
    isAcknowledged: alerts.every(({ acknowledgedMs }) => acknowledgedMs !== null),
    alerts,
  };
}

/** Words of the group: its plain cause, or what the most urgent of its alerts says. */
function titleOf(key: string, alerts: readonly GroupedAlert[]): string {
  const [first] = alerts;
  if (key.startsWith('site:')) return `${first!.customerName} cannot be reached`;
  if (isPlainCause(key)) return countOf(alerts, 'deviceId') > 1 ? MANY[key] : PLAIN_CAUSES[key];
  if (key.startsWith('error:')) return firstSentence(alerts.find(({ kind }) => kind === 'run_failed') ?? first!);
  return key.startsWith('drill:') ? `Restore test: ${firstSentence(first!)}` : KIND_WORDS[first!.kind].name;
}

const MANY: Readonly<Record<keyof typeof PLAIN_CAUSES, string>> = {
  ...PLAIN_CAUSES,
  offline: 'Single machines cannot be reached',
  not_started: 'Machines are on, and no backup began',
};

function firstSentence({ message, title }: GroupedAlert): string {
  const sentence = message.split(/(?<=[.!?])\s/)[0] ?? '';
  return sentence === '' ? title : sentence.replace(/\.$/, '');
}

function sharedOf(alerts: readonly GroupedAlert[]): string[] {
  if (countOf(alerts, 'deviceId') < SHARED_DEVICES_MIN) return [];
  const only = (of: (alert: GroupedAlert) => string | null): string | null => {
    const values = new Set(alerts.filter(({ deviceId }) => deviceId !== null).map(of));
    return values.size === 1 ? [...values][0]! : null;
  };
  const policy = only(({ policyName }) => policyName);
  const version = only(({ agentVersion }) => agentVersion);
  return [
    ...(policy === null ? [] : [`all under the policy ${policy}`]),
    ...(version === null ? [] : [`all with agent ${version}`]),
  ];
}

function countOf(alerts: readonly GroupedAlert[], of: 'deviceId' | 'customerId'): number {
  return new Set(alerts.map((alert) => alert[of]).filter((id) => id !== null)).size;
}

function severityRank({ severity }: { readonly severity: Severity }): number {
  return SEVERITIES.indexOf(severity);
}

function breachOf({ breachMs }: { readonly breachMs: number | null }): number {
  return breachMs ?? Number.POSITIVE_INFINITY;
}

function byUrgency(a: AlertGroup, b: AlertGroup): number {
  return (
    severityRank(a) - severityRank(b) ||
    breachOf(a) - breachOf(b) ||
    a.openedMs - b.openedMs ||
    (a.key < b.key ? -1 : 1)
  );
}

function byId(a: GroupedAlert, b: GroupedAlert): number {
  return a.id < b.id ? -1 : 1;
}
