/** What the backups of a source brought day by day, as they are compared when one is sealed, and as a page shows them. */
import { type DayFigures, figuresByDay, type SealedBackup } from '../../core/domain/alerts/day-figures.ts';
import {
  farSignals,
  GROWTH_TIMES,
  type GrowthLimits,
  type GrowthSignal,
  growthSignals,
} from '../../core/domain/alerts/growth.ts';
import { builtInRule } from '../../core/domain/alerts/rules.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { CHANGE_COLUMNS, toFileFigures } from './change-columns.ts';
import { loadRules } from './load-rules.ts';

const DAY_MS = 86_400_000;
/** Days that the page shows; each is compared with the four weeks before it. */
const SHOWN_DAYS = 28;

/** The sealed backups of a source since an instant, in no order. */
export async function loadSealedBackups(
  tx: Tx,
  of: { readonly tenantId: string; readonly sourceId: string },
  sinceMs: number,
): Promise<SealedBackup[]> {
  const points = await tx.restorePoint.findMany({
    where: { ...of, sealedAt: { gte: new Date(sinceMs) } },
    select: { sealedAt: true, storedBytes: true, addedBytes: true, files: true, bytes: true, ...CHANGE_COLUMNS },
  });
  return points.map((point) => ({
    sealedMs: point.sealedAt.getTime(),
    storedBytes: Number(point.storedBytes),
    addedBytes: point.addedBytes === null ? null : Number(point.addedBytes),
    files: Number(point.files),
    bytes: Number(point.bytes),
    changes: toFileFigures(point),
  }));
}

export interface GrowthDay {
  /** An instant of the day: its end, counted back from the source's newest backup. */
  readonly atMs: number;
  /** None while fewer than a week of days are known before it. */
  readonly signals: readonly GrowthSignal[];
  /** The names of those for which the day is unusual by the limits. */
  readonly far: readonly GrowthSignal['name'][];
  readonly files: number;
  readonly bytes: number;
}

export interface SourceGrowth {
  readonly sourceId: string;
  /** The oldest first; days without a backup are left out. */
  readonly days: readonly GrowthDay[];
}

export interface GrowthView {
  readonly sources: readonly SourceGrowth[];
  /** Of the provider's built-in rule, whether it is on or not. */
  readonly limits: GrowthLimits;
}

/** The last four weeks of each source of a device, each day with its signals. A foreign device has no sources. */
export async function viewGrowth(services: Services, scope: Scope, deviceId: string): Promise<GrowthView> {
  const { tenantId } = scope;
  const sinceMs = services.clock.nowMs() - (SHOWN_DAYS + GROWTH_TIMES.comparedDays + 1) * DAY_MS;
  return await withScope(services, scope, async (tx) => {
    const rule = (await loadRules(tx, tenantId)).find(({ id, kind }) => id === null && kind === 'growth');
    const limits = (rule ?? builtInRule('growth')).parameters as GrowthLimits;
    const sources = await tx.source.findMany({
      where: { tenantId, deviceId },
      select: { id: true },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    });
    const grown: SourceGrowth[] = [];
    for (const { id } of sources)
      grown.push(growthOf(id, await loadSealedBackups(tx, { tenantId, sourceId: id }, sinceMs), limits));
    return { sources: grown, limits };
  });
}

function growthOf(sourceId: string, backups: readonly SealedBackup[], limits: GrowthLimits): SourceGrowth {
  const lastMs = backups.reduce((newest, { sealedMs }) => Math.max(newest, sealedMs), 0);
  const days = figuresByDay(backups, lastMs);
  const shown = days.map((day, at): GrowthDay & Pick<DayFigures, 'day'> => {
    const signals = growthSignals(day, days.slice(0, at));
    const far = farSignals(signals, limits).map(({ name }) => name);
    return { day: day.day, atMs: lastMs + day.day * DAY_MS, signals, far, files: day.files, bytes: day.bytes };
  });
  return { sourceId, days: shown.filter(({ day }) => day > -SHOWN_DAYS).map(({ day: _, ...rest }) => rest) };
}
