/**
 * What a customer would be billed if its month closed now, beside the month that was closed last, and why it differs: what an
 * invoice or a service desk's agreement is compared with before anything is changed there. Pure; writes nothing.
 */
import { formatBytes, formatCount, formatCountOf, formatDay } from './format.ts';
import type { UsageFigures } from './usage.ts';

/** What is billed, in the order in which it is shown. Devices and restore tests are counts, the others bytes. */
export const BILLED = ['devices', 'protectedBytes', 'storedBytes', 'drills'] as const;
export type Billed = (typeof BILLED)[number];

export const BILLED_WORDS: Readonly<Record<Billed, { readonly name: string; readonly unit: 'count' | 'bytes' }>> = {
  devices: { name: 'Devices', unit: 'count' },
  protectedBytes: { name: 'Protected', unit: 'bytes' },
  storedBytes: { name: 'Stored', unit: 'bytes' },
  drills: { name: 'Restore tests', unit: 'count' },
};

export interface BilledMonth {
  /** 2026-11 */
  readonly month: string;
  readonly figures: UsageFigures;
}

export interface DeviceBytes {
  readonly name: string;
  /** What its newest usable restore points held on the day that counts in each month; null: it was not in service. */
  readonly beforeBytes: number | null;
  readonly nowBytes: number | null;
  /** New data that it stored between the two days. */
  readonly storedBytes: number;
}

export interface BillingFacts {
  readonly customerId: string;
  readonly customer: string;
  /** Null: no month of it was ever closed. */
  readonly closed: BilledMonth | null;
  readonly proposed: BilledMonth;
  /** Days of the proposed month that have begun, by the customer's clock, and all that it has. */
  readonly daysBegun: number;
  readonly daysInMonth: number;
  /** Names of the devices that came, or went, between the days that count; and of those that went after the newer one. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly removedLater: readonly string[];
  readonly devices: readonly DeviceBytes[];
  /** In service and without any usable restore point. */
  readonly unprotected: readonly string[];
  readonly quotaBytes: number | null;
}

export interface PreviewLine {
  readonly measure: Billed;
  /** Null: nothing was closed yet. */
  readonly current: bigint | null;
  readonly proposed: bigint;
  readonly change: bigint;
  /** Sentences without a full stop; none when nothing changed. */
  readonly why: readonly string[];
}

export const PREVIEW_EXCEPTIONS = [
  'first_month',
  'gone',
  'jump',
  'days_missing',
  'removed_counted',
  'unprotected',
  'over_quota',
] as const;
export type PreviewExceptionKind = (typeof PREVIEW_EXCEPTIONS)[number];

export interface PreviewException {
  readonly kind: PreviewExceptionKind;
  /** What it is, and what to do before the invoice goes out. */
  readonly text: string;
}

export interface BillingPreview {
  readonly customerId: string;
  readonly customer: string;
  readonly currentMonth: string | null;
  readonly proposedMonth: string;
  readonly lines: readonly PreviewLine[];
  readonly exceptions: readonly PreviewException[];
  /** Another number of devices, or bytes that differ by more than a twentieth. */
  readonly isChanged: boolean;
}

/** A change of more than a fourth is looked at by a person … */
const JUMP_SHARE = 0.25;
/** … unless it is as small as this. */
const JUMP_MIN: Readonly<Record<'devices' | 'protectedBytes' | 'storedBytes', bigint>> = {
  devices: 2n,
  protectedBytes: 10_000_000_000n,
  storedBytes: 10_000_000_000n,
};
/** Bytes that differ by more than this are another amount for whoever reads the invoice. */
const NOTED_SHARE = 0.05;
/** Names of one reason. */
const NAMES_SHOWN = 3;

export function previewBilling(facts: BillingFacts): BillingPreview {
  const { customerId, customer, closed, proposed } = facts;
  const lines = BILLED.map((measure): PreviewLine => {
    const current = closed === null ? null : BigInt(closed.figures[measure]);
    const next = BigInt(proposed.figures[measure]);
    const change = next - (current ?? 0n);
    return { measure, current, proposed: next, change, why: change === 0n ? [] : whyOf(measure, change, facts) };
  });
  return {
    customerId,
    customer,
    currentMonth: closed?.month ?? null,
    proposedMonth: proposed.month,
    lines,
    exceptions: exceptionsOf(facts, lines),
    isChanged: lines.some(isNoted),
  };
}

/** Bytes grow a little in every month; restore tests are counted day by day, and before its end a month has nearly always fewer. */
function isNoted({ measure, current, change }: PreviewLine): boolean {
  if (measure === 'drills' || change === 0n) return false;
  if (measure === 'devices' || current === null || current === 0n) return true;
  return Math.abs(Number(change)) / Number(current) > NOTED_SHARE;
}

function whyOf(measure: Billed, change: bigint, facts: BillingFacts): string[] {
  switch (measure) {
    case 'devices':
      return orHighest(
        [
          ...(facts.added.length === 0 ? [] : [`added: ${namesText(facts.added)}`]),
          ...(facts.removed.length === 0 ? [] : [`removed: ${namesText(facts.removed)}`]),
        ],
        facts.proposed.figures.devicesOn,
      );
    case 'protectedBytes':
      return orHighest(grownWords(facts.devices), facts.proposed.figures.protectedOn);
    case 'storedBytes':
      return orHighest(
        change < 0n ? ['less lies in the store than on the highest day before'] : storedWords(facts.devices),
        facts.proposed.figures.storedOn,
      );
    case 'drills': {
      const left = facts.daysInMonth - facts.daysBegun;
      return left > 0 ? [`counted so far; ${formatCountOf(left, 'day')} of the month to come`] : ['by their days'];
    }
  }
}

/** The devices whose contents changed most, the largest change first. */
function grownWords(devices: readonly DeviceBytes[]): string[] {
  const changes = devices
    .map(({ name, beforeBytes, nowBytes }) => ({
      name,
      change: (nowBytes ?? 0) - (beforeBytes ?? 0),
      verb: beforeBytes === null ? 'came with' : nowBytes === null ? 'left with' : null,
    }))
    .filter(({ change }) => change !== 0)
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change) || (a.name < b.name ? -1 : 1));
  return [
    ...changes.slice(0, NAMES_SHOWN).map(({ name, change, verb }) => {
      const bytes = formatBytes(Math.abs(change));
      return `${name} ${verb === null ? `${change > 0 ? 'grew' : 'shrank'} by` : verb} ${bytes}`;
    }),
    ...restWords(changes.length),
  ];
}

function storedWords(devices: readonly DeviceBytes[]): string[] {
  const stored = devices
    .filter(({ storedBytes }) => storedBytes > 0)
    .sort((a, b) => b.storedBytes - a.storedBytes || (a.name < b.name ? -1 : 1));
  return [
    ...stored
      .slice(0, NAMES_SHOWN)
      .map(({ name, storedBytes }) => `${name} stored ${formatBytes(storedBytes)} of new data`),
    ...restWords(stored.length),
  ];
}

function restWords(all: number): string[] {
  const rest = all - NAMES_SHOWN;
  return rest > 0 ? [`and ${formatCountOf(rest, 'device')} more`] : [];
}

/** What no row explains is a matter of the day: the highest of each month counts. */
function orHighest(why: readonly string[], day: string | null): string[] {
  return why.length > 0 || day === null ? [...why] : [`the highest day counts: ${dayText(day)}`];
}

function exceptionsOf(facts: BillingFacts, lines: readonly PreviewLine[]): PreviewException[] {
  const { closed, proposed, daysBegun, removedLater, unprotected, quotaBytes } = facts;
  const found: PreviewException[] = [];
  const add = (kind: PreviewExceptionKind, text: string): unknown => found.push({ kind, text });
  const isGone = (closed?.figures.devices ?? 0) > 0 && proposed.figures.devices === 0;
  if (closed === null) add('first_month', 'Its first invoice: there is no closed month to compare with.');
  if (isGone) add('gone', 'It had devices and has none in this month: end its agreement, or find out why they went.');
  if (closed !== null && !isGone)
    for (const { measure, current, change } of lines) {
      if (measure === 'drills' || current === null || current === 0n) continue;
      const size = change < 0n ? -change : change;
      if (size >= JUMP_MIN[measure] && Number(size) / Number(current) > JUMP_SHARE)
        add('jump', `${BILLED_WORDS[measure].name} ${changeText(current, change)}: look at why before it is billed.`);
    }
  const missing = daysBegun - proposed.figures.daysMeasured;
  if (missing > 0)
    add(
      'days_missing',
      `${formatCountOf(missing, 'day')} of ${formatCount(daysBegun)} not measured: what was highest on ${missing === 1 ? 'it' : 'them'} is not billed.`,
    );
  if (removedLater.length > 0)
    add(
      'removed_counted',
      `${namesText(removedLater)} removed since, and billed for this month all the same: the highest day was ${dayText(proposed.figures.devicesOn!)}.`,
    );
  if (unprotected.length > 0)
    add(
      'unprotected',
      `${namesText(unprotected)} billed as ${unprotected.length === 1 ? 'a device' : 'devices'} without a restore point that could be used: get a backup, or remove ${unprotected.length === 1 ? 'it' : 'them'}.`,
    );
  if (quotaBytes !== null && proposed.figures.storedBytes > BigInt(quotaBytes))
    add(
      'over_quota',
      `More is stored than the ${formatBytes(quotaBytes)} that were agreed: agree on more, or bill the rest.`,
    );
  return found;
}

/** "grew by 40 %". Rounded down, and never to nothing. */
function changeText(current: bigint, change: bigint): string {
  const share = Math.max(1, Math.floor((Math.abs(Number(change)) / Number(current)) * 100));
  return `${change > 0n ? 'grew' : 'fell'} by ${formatCount(share)} %`;
}

function namesText(names: readonly string[]): string {
  const rest = names.length - NAMES_SHOWN;
  return `${names.slice(0, NAMES_SHOWN).join(', ')}${rest > 0 ? ` and ${formatCount(rest)} more` : ''}`;
}

function dayText(day: string): string {
  return formatDay(Date.parse(`${day}T12:00:00Z`), 'UTC');
}
