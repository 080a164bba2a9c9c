import { type DrillFacts, type DrillPlanWish, drillCalendar } from '../../core/domain/drill-plans.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { dayOf } from '../../core/domain/calendar.ts';
import { loadDrillFacts } from './drill-facts.ts';
import { type CoverageFilter, countSources, type DrillSource, listSources } from './load-coverage.ts';

export const CALENDAR_DAYS = 28;
/** Beyond so many sources the calendar is of the first ones, and says so. */
export const CALENDAR_SOURCES_MAX = 500;
const DAY_MS = 24 * 3_600_000;
const NAMED_MAX = 4;

/** Drills of one kind that are due on a day. */
export interface DueDrills {
  readonly level: number;
  readonly scope: DrillPlanWish['scope'];
  readonly count: number;
  /** The first of them. */
  readonly deviceNames: readonly string[];
}

export interface CalendarDay {
  /** 2026-11-21, each drill by its customer's clock. */
  readonly day: string;
  readonly due: readonly DueDrills[];
}

export interface DrillCalendar {
  readonly days: readonly CalendarDay[];
  readonly sources: number;
  readonly isCut: boolean;
}

/**
 * What is due in the next 28 days when every drill passes, of the sources that the filter lets through. A plan that wants several
 * a day is one entry a day.
 */
export async function planCalendar(
  tx: Tx,
  scope: Scope,
  filter: CoverageFilter,
  nowMs: number,
): Promise<DrillCalendar> {
  const sources = await listSources(tx, scope, filter, { skip: 0, take: CALENDAR_SOURCES_MAX });
  const taken = sources.filter(({ hasPoint }) => hasPoint);
  const facts = await loadDrillFacts(tx, scope.tenantId, taken);
  return {
    days: calendarDays(taken, facts, nowMs),
    sources: taken.length,
    isCut: (await countSources(tx, scope, filter)) > CALENDAR_SOURCES_MAX,
  };
}

function calendarDays(
  sources: readonly DrillSource[],
  facts: ReadonlyMap<string, DrillFacts[]>,
  nowMs: number,
): CalendarDay[] {
  const first = Date.parse(`${dayOf(nowMs, 'UTC')}T00:00:00Z`);
  const days = Array.from({ length: CALENDAR_DAYS }, (_, at) =>
    new Date(first + at * DAY_MS).toISOString().slice(0, 10),
  );
  const byDay = new Map<string, Map<string, { level: number; scope: DrillPlanWish['scope']; names: string[] }>>(
    days.map((day) => [day, new Map()]),
  );
  for (const source of sources) {
    const plans = source.plans.map((plan) => ({ ...plan, everyHours: Math.max(plan.everyHours, 24) }));
    const due = drillCalendar(
      plans,
      facts.get(source.sourceId) ?? [],
      source.timeZone,
      nowMs,
      nowMs + CALENDAR_DAYS * DAY_MS,
    );
    for (const { plan: at, atMs } of due) {
      const { level, scope } = plans[at]!;
      const day = dayOf(atMs, source.timeZone);
      // West of Greenwich "today" may still be the day before the first one that is shown.
      const kinds = byDay.get(day < days[0]! ? days[0]! : day);
      if (kinds === undefined) continue;
      const key = `${level} ${scope}`;
      const kind = kinds.get(key) ?? { level, scope, names: [] };
      kinds.set(key, kind);
      kind.names.push(source.deviceName);
    }
  }
  return days.map((day) => ({
    day,
    due: [...byDay.get(day)!.values()]
      .sort((a, b) => b.level - a.level || (a.scope < b.scope ? -1 : 1))
      .map(({ level, scope, names }) => ({
        level,
        scope,
        count: names.length,
        deviceNames: names.slice(0, NAMED_MAX),
      })),
  }));
}
