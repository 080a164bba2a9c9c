/**
 * What alerts cost people (metrics, 20): minutes a customer and day, against a budget. Nobody holds a stop-watch, so it is an upper
 * estimate from what is known: each item is looked at, and one that somebody touched is worked on from the first touch to its end,
 * at most as long as its kind takes. Pure.
 */
import type { AlertKind } from './kinds.ts';

export const TEAM_TIME = {
  /** Of a customer and day; more than that is too much (metrics, 20). */
  budgetMinutes: 3,
  /** To read an item in the list and leave it. */
  lookMinutes: 0.5,
  /** Whoever does something about it needs at least so long. */
  handlingMinutesMin: 1,
  /** What opens at a customer for the same reason within so long is read, and worked on, as one item. */
  itemMs: 3_600_000,
} as const;

const MINUTE_MS = 60_000;

/** Minutes that work on an item of this kind takes at most: the rest of the time until it is over, people do something else. */
export const HANDLING_MINUTES: Readonly<Record<AlertKind, number>> = {
  damage: 30,
  ransomware: 60,
  clone: 20,
  evidence: 30,
  drill_failed: 20,
  no_point: 15,
  failing: 15,
  run_failed: 10,
  stuck: 10,
  missed: 5,
  silent: 5,
  suspicious: 15,
  drill_overdue: 5,
  burn: 10,
  weakened: 5,
  quota: 10,
  growth: 10,
  upkeep: 10,
  retention: 10,
};

export interface HandledAlert {
  readonly id: string;
  readonly customerId: string;
  readonly kind: AlertKind;
  readonly openedMs: number;
  /** Null: still open. */
  readonly resolvedMs: number | null;
  /** When somebody acknowledged, took, snoozed, excused or accepted it, whichever was first; null: nobody did. */
  readonly touchedMs: number | null;
  /** It came back within half an hour: nobody was told as if it were new. */
  readonly isReopened: boolean;
}

/** Alerts of one customer and kind that opened together. */
export interface AlertItem {
  readonly customerId: string;
  readonly kind: AlertKind;
  readonly openedMs: number;
  readonly alertIds: readonly string[];
  readonly touchedMs: number | null;
  /** When the last of those that somebody touched was over; null: nobody touched any, or one still stands. */
  readonly endedMs: number | null;
  readonly minutes: number;
}

export interface CustomerTime {
  readonly customerId: string;
  readonly items: number;
  readonly touched: number;
  readonly minutes: number;
  readonly minutesPerDay: number;
  readonly isAbove: boolean;
}

export interface TeamTime {
  /** Mean over the customers; null: there is none. */
  readonly minutesPerCustomerDay: number | null;
  readonly isAbove: boolean;
  readonly items: number;
  readonly touched: number;
  /** Those that cost more than the budget by themselves. */
  readonly customersAbove: number;
  /** The dearest first; all that were named, also those that cost nothing. */
  readonly customers: readonly CustomerTime[];
}

/** The items that the alerts make up, in the order in which they opened. What came back and nobody touched costs nothing. */
export function alertItems(alerts: readonly HandledAlert[], nowMs: number): AlertItem[] {
  const counted = alerts.filter(({ isReopened, touchedMs }) => !isReopened || touchedMs !== null);
  const groups = Map.groupBy(counted, ({ customerId, kind }) => `${customerId} ${kind}`);
  return [...groups.values()]
    .flatMap((of) => together(of.toSorted((a, b) => a.openedMs - b.openedMs || (a.id < b.id ? -1 : 1))))
    .map((of) => itemOf(of, nowMs))
    .sort((a, b) => a.openedMs - b.openedMs || (a.alertIds[0]! < b.alertIds[0]! ? -1 : 1));
}

/** Cuts the alerts of one customer and kind where one opens later than an hour after the first of its item. */
function together(sorted: readonly HandledAlert[]): HandledAlert[][] {
  const items: HandledAlert[][] = [];
  for (const alert of sorted) {
    const item = items.at(-1);
    if (item !== undefined && alert.openedMs - item[0]!.openedMs <= TEAM_TIME.itemMs) item.push(alert);
    else items.push([alert]);
  }
  return items;
}

function itemOf(alerts: readonly HandledAlert[], nowMs: number): AlertItem {
  const { customerId, kind, openedMs } = alerts[0]!;
  const touched = alerts.filter(({ touchedMs }) => touchedMs !== null);
  const about = { customerId, kind, openedMs, alertIds: alerts.map(({ id }) => id) };
  if (touched.length === 0) return { ...about, touchedMs: null, endedMs: null, minutes: TEAM_TIME.lookMinutes };
  const touchedMs = Math.min(...touched.map((one) => one.touchedMs!));
  const isOpen = touched.some(({ resolvedMs }) => resolvedMs === null);
  const lastMs = isOpen ? nowMs : Math.max(...touched.map(({ resolvedMs }) => resolvedMs!));
  const worked = (lastMs - touchedMs) / MINUTE_MS;
  const handling = Math.min(HANDLING_MINUTES[kind], Math.max(TEAM_TIME.handlingMinutesMin, worked));
  return { ...about, touchedMs, endedMs: isOpen ? null : lastMs, minutes: TEAM_TIME.lookMinutes + handling };
}

/** What the items cost the customers that are named, over so many days. */
export function teamTime(items: readonly AlertItem[], customerIds: readonly string[], days: number): TeamTime {
  const byCustomer = Map.groupBy(items, ({ customerId }) => customerId);
  const customers = customerIds
    .map((customerId): CustomerTime => {
      const own = byCustomer.get(customerId) ?? [];
      const minutes = own.reduce((sum, one) => sum + one.minutes, 0);
      const minutesPerDay = minutes / days;
      return {
        customerId,
        items: own.length,
        touched: own.filter(({ touchedMs }) => touchedMs !== null).length,
        minutes,
        minutesPerDay,
        isAbove: minutesPerDay > TEAM_TIME.budgetMinutes,
      };
    })
    .sort((a, b) => b.minutes - a.minutes || (a.customerId < b.customerId ? -1 : 1));
  const mean =
    customers.length === 0
      ? null
      : customers.reduce((sum, { minutesPerDay }) => sum + minutesPerDay, 0) / customers.length;
  return {
    minutesPerCustomerDay: mean,
    isAbove: (mean ?? 0) > TEAM_TIME.budgetMinutes,
    items: customers.reduce((sum, one) => sum + one.items, 0),
    touched: customers.reduce((sum, one) => sum + one.touched, 0),
    customersAbove: customers.filter(({ isAbove }) => isAbove).length,
    customers,
  };
}
