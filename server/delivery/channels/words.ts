/** What people read in mails and chats: one line, a text, and the counts of a storm. No markup, no code words of ours. */
import { SEVERITIES, type Severity, type Transition } from '../../../core/domain/delivery/notification.ts';
import type { OutgoingMessage, ToldNotification } from './message.ts';

const SEVERITY_WORDS: Readonly<Record<Severity, string>> = { critical: 'Critical', warning: 'Warning', info: 'Note' };
const TRANSITION_WORDS: Readonly<Record<Transition, string>> = {
  opened: '',
  updated: 'Changed',
  acknowledged: 'Taken',
  snoozed: 'Put off',
  resolved: 'Resolved',
  notice: '',
  digest: '',
  test: 'Test',
};
/** A message names so many; the rest is a number and a link. */
export const NAMED_MAX = 20;
const LINE_CHARS_MAX = 180;

/** What it is, in a line: "Critical: The machine is silent – FRONT-DESK (Lindqvist Dental)". */
export function headline(message: OutgoingMessage): string {
  const [first, ...others] = message.told;
  if (others.length === 0) return oneLine(headlineOf(first));
  const customers = new Set(message.told.map(({ customerId }) => customerId)).size;
  const where =
    customers === 1 && first.customerName !== null ? ` at ${first.customerName}` : ` at ${customers} customers`;
  return oneLine(`${capital(countWords(message.told))}${where}`);
}

export function headlineOf(told: ToldNotification): string {
  const word = TRANSITION_WORDS[told.transition] || (isWordOfService(told) ? '' : SEVERITY_WORDS[told.severity]);
  const whose = told.customerName === null || told.customerName === told.subjectName ? '' : ` (${told.customerName})`;
  const subject = told.subjectName === '' ? '' : ` – ${told.subjectName}${whose}`;
  return `${word === '' ? '' : `${word}: `}${told.title}${subject}`;
}

function isWordOfService({ transition }: ToldNotification): boolean {
  return transition === 'digest' || transition === 'notice' || transition === 'test';
}

/** "200 alerts: 3 critical, 197 warnings; 12 resolved". */
export function countWords(told: readonly ToldNotification[]): string {
  const begun = told.filter(({ transition }) => transition === 'opened');
  const bySeverity = [...SEVERITIES]
    .reverse()
    .map((severity) => [severity, begun.filter((one) => one.severity === severity).length] as const)
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => `${count} ${severityCount(severity, count)}`);
  const resolved = told.filter(({ transition }) => transition === 'resolved').length;
  const changed = told.length - begun.length - resolved;
  const parts = [
    begun.length > 0 ? `${begun.length} new ${begun.length === 1 ? 'alert' : 'alerts'}: ${bySeverity.join(', ')}` : '',
    resolved > 0 ? `${resolved} resolved` : '',
    changed > 0 ? `${changed} changed` : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}

function severityCount(severity: Severity, count: number): string {
  if (severity === 'critical') return 'critical';
  const word = severity === 'warning' ? 'warning' : 'note';
  return count === 1 ? word : `${word}s`;
}

/** The worst first, then the oldest; what is named, and how many are not. */
export function namedOf(message: OutgoingMessage): { named: readonly ToldNotification[]; others: number } {
  const sorted = [...message.told].sort(
    (a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || a.atMs - b.atMs,
  );
  return { named: sorted.slice(0, NAMED_MAX), others: Math.max(0, sorted.length - NAMED_MAX) };
}

export function linkOf(message: OutgoingMessage, path: string): string | undefined {
  return message.portalUrl === undefined ? undefined : `${message.portalUrl}${path}`;
}

export function worstOf(told: readonly ToldNotification[]): Severity {
  return told.reduce<Severity>(
    (worst, { severity }) => (SEVERITIES.indexOf(severity) > SEVERITIES.indexOf(worst) ? severity : worst),
    'info',
  );
}

/** The whole as plain text. */
export function plainText(message: OutgoingMessage): string {
  const [first, ...others] = message.told;
  const lines: string[] = [];
  if (others.length === 0) {
    lines.push(headlineOf(first), '', first.message, '');
    if (!isWordOfService(first)) lines.push(`Since ${timeWords(first.atMs)}.`);
    const link = linkOf(message, first.path);
    if (link !== undefined) lines.push(link);
  } else {
    const { named, others: unnamed } = namedOf(message);
    lines.push(headline(message), '');
    for (const told of named) lines.push(`- ${headlineOf(told)}, ${timeWords(told.atMs)}`);
    if (unnamed > 0) lines.push(`and ${unnamed} more.`);
    const link = linkOf(message, '/');
    if (link !== undefined) lines.push('', link);
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** "21 November 2026, 15:04 UTC". */
export function timeWords(atMs: number): string {
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return `${format.format(atMs).replace(' at ', ', ')} UTC`;
}

/** Names come from machines and people: line breaks and control characters end no header and forge no second line. */
export function oneLine(text: string, charsMax = LINE_CHARS_MAX): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ');
  const short = clean.replace(/\s+/g, ' ').trim();
  return short.length > charsMax ? `${short.slice(0, charsMax - 1)}…` : short;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
