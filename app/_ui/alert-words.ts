import { type AlertEventKind, RESOLUTION_WORDS } from '../../core/domain/alerts/events.ts';
import type { Severity } from '../../core/domain/alerts/kinds.ts';
import type { AlertTicket } from '../../server/alerts/alert-tickets.ts';
import type { AlertRow, AlertState, AlertStep } from '../../server/alerts/view.ts';
import type { StateWord } from './state-words.ts';

export const SEVERITY_WORDS: Readonly<Record<Severity, StateWord>> = {
  risk: { word: 'At risk', tone: 'risk', shape: 'damage', meaning: 'Data is lost, or would be lost now.' },
  warn: { word: 'Needs a look', tone: 'warn', shape: 'clock', meaning: 'Data will be at risk if nobody looks.' },
  info: { word: 'To know', tone: 'calm', shape: 'queued', meaning: 'No data is at risk; somebody should know.' },
};

export const ALERT_STATE_WORDS: Readonly<Record<AlertState, StateWord>> = {
  open: { word: 'Open', tone: 'warn', shape: 'queued', meaning: 'Nobody has said that they have seen it.' },
  acknowledged: { word: 'Acknowledged', tone: 'calm', shape: 'check', meaning: 'Somebody has seen it.' },
  snoozed: { word: 'Snoozed', tone: 'mute', shape: 'excused', meaning: 'Out of sight for a while; it stays open.' },
  resolved: { word: 'Over', tone: 'mute', shape: 'check', meaning: 'It is no longer so.' },
};

const STEP_WORDS: Readonly<Record<AlertEventKind, string>> = {
  opened: 'It began.',
  reopened: 'It came back within half an hour.',
  updated: 'Its cause or its urgency changed.',
  acknowledged: 'Acknowledged.',
  assigned: 'Given to',
  snoozed: 'Snoozed.',
  woken: 'The snooze ended.',
  excused: 'Excused.',
  resolved: 'It was over.',
};

/** One line of an alert's history. */
export function stepWords({ kind, detail }: Pick<AlertStep, 'kind' | 'detail'>): string {
  return kind === 'assigned' ? `Given to ${detail ?? 'nobody'}.` : STEP_WORDS[kind];
}

/** How it ended, as a sentence; null while it stands. */
export function resolutionWords({ resolution }: Pick<AlertRow, 'resolution'>): string | null {
  return resolution === null ? null : RESOLUTION_WORDS[resolution];
}

/** "4711 at Our desk". */
export function ticketWords({ ticketId, channelName }: Pick<AlertTicket, 'ticketId' | 'channelName'>): string {
  return ticketId === null ? `asked for at ${channelName}` : `${ticketId} at ${channelName}`;
}
