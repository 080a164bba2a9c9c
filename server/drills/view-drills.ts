import { type CoverageCell, type CoverageState, worstCoverage } from '../../core/domain/drill-coverage.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { CustomerChoice } from '../fleet/view.ts';
import type { Services } from '../services.ts';
import {
  type DrillFilter,
  type FailedDrill,
  listDrills,
  listFailures,
  listRunningDrills,
  type PlacedDrill,
  type RunningDrill,
} from './list-drills.ts';
import { countSources, loadCoverage, type SourceCoverage, surveyCoverage } from './load-coverage.ts';
import { type DrillCalendar, planCalendar } from './plan-calendar.ts';

export const MATRIX_ROWS = 50;
export const HISTORY_ROWS = 25;
const RUNNING_MAX = 6;
const FAILURES_MAX = 12;

export interface DrillsView {
  readonly nowMs: number;
  readonly customers: readonly CustomerChoice[];
  /** Of all sources, whatever the filter shows: how many are in which state. Those that nothing is asked of are left out. */
  readonly counts: Readonly<Record<CoverageState, number>>;
  readonly sourcesTotal: number;
  readonly matrix: { readonly rows: readonly SourceCoverage[]; readonly total: number };
  readonly calendar: DrillCalendar;
  readonly running: { readonly drills: readonly RunningDrill[]; readonly total: number };
  /** Failures that no later pass has answered. */
  readonly failures: { readonly drills: readonly FailedDrill[]; readonly total: number };
  readonly history: { readonly drills: readonly PlacedDrill[]; readonly total: number };
}

/** The page Drills. Staff only. The filter's customer and text hold for the matrix and the history. */
export async function viewDrills(
  services: Services,
  scope: Scope,
  filter: DrillFilter,
  pages: { readonly matrix: number; readonly history: number },
): Promise<DrillsView> {
  requireStaff(scope);
  const nowMs = services.clock.nowMs();
  return await withScope(services, scope, async (tx) => {
    // The sums are of all sources, and take a few words of each; names and plans are read of the page that is shown.
    const all = [...(await surveyCoverage(tx, scope, nowMs)).values()];
    const failedIds = [...new Set(all.flatMap((cells) => cells.flatMap(({ failed }) => failed?.drillId ?? [])))];
    const skip = (pages.matrix - 1) * MATRIX_ROWS;
    const customers = await tx.customer.findMany({
      where: { tenantId: scope.tenantId },
      select: { id: true, name: true },
      orderBy: { name: 'asc' },
    });
    return {
      nowMs,
      customers,
      counts: countStates(all),
      sourcesTotal: all.length,
      matrix: {
        rows: await loadCoverage(tx, scope, nowMs, filter, { skip, take: MATRIX_ROWS }),
        total: await countSources(tx, scope, filter),
      },
      calendar: await planCalendar(tx, scope, filter, nowMs),
      running: await listRunningDrills(tx, scope, RUNNING_MAX),
      failures: {
        // Ids grow with time: the newest come last.
        drills: await listFailures(tx, scope, failedIds.sort().slice(-FAILURES_MAX)),
        total: failedIds.length,
      },
      history: await listDrills(tx, scope, filter, { number: pages.history, rows: HISTORY_ROWS }),
    };
  });
}

function countStates(sources: readonly (readonly CoverageCell[])[]): Record<CoverageState, number> {
  const counts = { failed: 0, never: 0, overdue: 0, proven: 0, extra: 0, unasked: 0 };
  for (const cells of sources) {
    const worst = worstCoverage(cells);
    if (worst !== undefined) counts[worst]++;
  }
  return counts;
}
