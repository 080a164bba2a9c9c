/** Channels and deliveries as people read them. Pure, and shared with the forms in the browser. */
import { ALERT_KINDS, KIND_WORDS } from '../../../../core/domain/alerts/kinds.ts';
import type { ChannelKind } from '../../../../core/domain/delivery/channel-kinds.ts';
import type { ChannelRouting } from '../../../../core/domain/delivery/routing.ts';
import type {
  ChannelState,
  ChannelSummary,
  DeliveryView,
  NotificationsView,
} from '../../../../server/delivery/view.ts';
import type { StateWord } from '../../../_ui/state-words.ts';

export const KIND_NAMES: Readonly<Record<ChannelKind, string>> = {
  email: 'E-mail',
  webhook: 'Webhook',
  slack: 'Slack',
  teams: 'Microsoft Teams',
  pagerduty: 'PagerDuty',
  dead_man: 'Monitor outside',
  connectwise: 'ConnectWise Manage',
  autotask: 'Autotask',
  halopsa: 'HaloPSA',
};

export const CHANNEL_STATES: Readonly<Record<ChannelState, StateWord>> = {
  works: { word: 'Works', tone: 'calm', shape: 'check', meaning: 'The last message arrived.' },
  unused: {
    word: 'Not used yet',
    tone: 'mute',
    shape: 'unknown',
    meaning: 'Nothing has been sent through it. Send a test.',
  },
  failing: {
    word: 'Fails',
    tone: 'warn',
    shape: 'half',
    meaning: 'The last message did not arrive; it is tried again.',
  },
  resting: {
    word: 'Rests',
    tone: 'warn',
    shape: 'stuck',
    meaning: 'Several messages in a row did not arrive. What waits keeps its attempts; one is tried again shortly.',
  },
  off: { word: 'Switched off', tone: 'mute', shape: 'excused', meaning: 'It tells nobody anything.' },
};

export const DELIVERY_STATES: Readonly<Record<DeliveryView['state'], StateWord>> = {
  waiting: { word: 'Waits', tone: 'calm', shape: 'queued', meaning: 'It is sent when its time comes.' },
  sending: { word: 'On its way', tone: 'calm', shape: 'running', meaning: 'It is being sent now.' },
  sent: { word: 'Sent', tone: 'calm', shape: 'check', meaning: 'The other side took it.' },
  failed: {
    word: 'Given up',
    tone: 'warn',
    shape: 'cross',
    meaning: 'It did not arrive, and is not tried again by itself.',
  },
  skipped: { word: 'Not needed', tone: 'mute', shape: 'excused', meaning: 'There was no reason to send it any more.' },
};

export const SEVERITY_CHOICES = [
  { value: 'info', label: 'Everything' },
  { value: 'warning', label: 'Warnings and critical' },
  { value: 'critical', label: 'Critical only' },
] as const;

export const TELLS_CHOICES = [
  { value: 'opened', label: 'The beginning alone' },
  { value: 'opened_and_resolved', label: 'Its beginning and its end' },
  { value: 'everything', label: 'Every step: changed, taken, put off, resolved' },
] as const;

export const ALERT_CHOICES: readonly { readonly value: string; readonly label: string }[] = [
  ...ALERT_KINDS.map((value) => ({ value, label: KIND_WORDS[value].name })),
  { value: 'queue_still', label: 'Queue stands still' },
  { value: 'channel_disabled', label: 'Channel switched off' },
];

const SEVERITY_RULES = { info: 'Everything', warning: 'Warnings and critical', critical: 'Critical' } as const;

/** The routing of a channel in a line: "Critical after 15 minutes; quiet 22:00 to 07:00". */
export function routingWords(routing: ChannelRouting, customers: ReadonlyMap<string, string>): string {
  const rules = routing.rules.map((rule) => {
    const kinds = rule.kinds.map(
      (kind) => ALERT_CHOICES.find(({ value }) => value === kind)?.label.toLowerCase() ?? kind,
    );
    const names = rule.customerIds.map((id) => customers.get(id) ?? 'a customer');
    const about = kinds.length === 0 ? '' : ` about ${listWords(kinds)}`;
    const whose = names.length === 0 ? '' : ` of ${listWords(names)}`;
    const after = rule.afterMinutes === 0 ? '' : `, when nobody took it for ${minutesWords(rule.afterMinutes)}`;
    return `${SEVERITY_RULES[rule.minSeverity]}${about}${whose}${after}`;
  });
  const parts = rules.length === 0 ? ['No alerts'] : rules;
  if (routing.quiet !== null) parts.push(`quiet ${routing.quiet.from} to ${routing.quiet.until}`);
  if (routing.digest !== null) parts.push(`digest at ${routing.digest.at}`);
  return parts.join('; ');
}

function listWords(names: readonly string[]): string {
  return names.length > 2 ? `${names[0]} and ${names.length - 1} others` : names.join(' and ');
}

function minutesWords(minutes: number): string {
  if (minutes % 60 === 0) return minutes === 60 ? 'an hour' : `${minutes / 60} hours`;
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}

/** The sentence of the page. */
export function notificationsSentence({ channels, isCustomer }: NotificationsView): string {
  if (channels.length === 0)
    return isCustomer ? 'Nobody of yours is told when a backup needs attention.' : 'Nobody is told anything yet.';
  const silent = channels.filter(isSilent);
  const live = channels.length - silent.length;
  if (silent.length === 0)
    return `${countWords(live, 'channel')} ${live === 1 ? 'tells' : 'tell'} people what needs them.`;
  if (live === 0) return 'No channel gets through: alerts are seen in the portal alone.';
  return `${countWords(silent.length, 'channel')} of ${channels.length} ${silent.length === 1 ? 'does' : 'do'} not get through.`;
}

function isSilent({ state }: ChannelSummary): boolean {
  return state === 'off' || state === 'resting' || state === 'failing';
}

function countWords(count: number, word: string): string {
  const names = ['No', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine'];
  return `${names[count] ?? String(count)} ${word}${count === 1 ? '' : 's'}`;
}
