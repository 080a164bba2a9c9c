/**
 * The signature of a cause: alerts with the same one, at whatever customers, are one piece of work. It is made of words that
 * stay the same from device to device: names, numbers, paths and ids are taken out of an error before it is compared.
 */
import type { AlertKind } from './kinds.ts';

/** A cause that is not an error of a backup has a word of its own. */
export const PLAIN_CAUSES = {
  offline: 'The machine cannot be reached',
  not_started: 'The machine is on, and no backup began',
  never_ran: 'No backup was ever made',
  paused: 'The backups are paused',
  stuck: 'Backups begin and then fall silent',
  store: 'The storage cannot be reached',
  unproven: 'Backups came, but none that can be used',
  quota_full: 'More is stored than was agreed on',
  retention_never: 'Restore points that are no longer kept were never removed',
  retention_stopped: 'Restore points that are no longer kept are not removed any more',
} as const;
export type PlainCause = keyof typeof PLAIN_CAUSES;

const CAUSE_CHARS_MAX = 160;

/** The words of a message that stay the same: what is named, counted, quoted or addressed becomes a place holder. */
export function normaliseMessage(message: string): string {
  return message
    .normalize('NFKC')
    .toLowerCase()
    .replace(/"[^"]*"|“[^”]*”|'[^']{2,}'|`[^`]*`/g, '…')
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b/g, '#')
    .replace(/[a-z]+:\/\/\S+/g, '@')
    .replace(/(?:[a-z]:)?(?:[\\/][^\s\\/:*?<>|,;]+)+[\\/]?/g, '/')
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{7,}\b/g, '#')
    .replace(/\d+(?:[.,:]\d+)*/g, '#')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, CAUSE_CHARS_MAX);
}

/** Codes that mean: the store was out of reach, whatever the words were. */
const STORE_CODES = new Set(['storage_unavailable']);

export function errorCause(code: string | null, message: string | null): string {
  if (code !== null && STORE_CODES.has(code)) return 'store';
  return `error:${code ?? 'unknown'}:${normaliseMessage(message ?? '')}`;
}

/** What was found has its kind for a cause; a failed drill the words of its failure. */
export function findingCause(kind: AlertKind, message: string): string {
  return kind === 'drill_failed' ? `drill:${normaliseMessage(message.split(/(?<=[.!?])\s/)[0] ?? '')}` : kind;
}

export function isPlainCause(cause: string): cause is PlainCause {
  return Object.hasOwn(PLAIN_CAUSES, cause);
}
