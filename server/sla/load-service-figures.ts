/** What the service did in a customer's month: was somebody told, and was the light right? */
import { TELLS_OF_AGE } from '../../core/domain/alerts/kinds.ts';
import { type ContractVersion } from '../../core/domain/sla/contract.ts';
import type { Interval } from '../../core/domain/sla/intervals.ts';
import {
  detectionLatencies,
  falseGreenRate,
  type JudgedDrill,
  silentFailureMs,
  wasGreen,
} from '../../core/domain/sla/own-service.ts';
import { sourceFigures } from '../../core/domain/sla/source-figures.ts';
import type { ServiceFigures } from '../../core/domain/sla/standing.ts';
import type { Tx } from '../db/client.ts';
import { loadFacts, type NamedFacts } from './load-facts.ts';
import type { MonthPlace } from './roll-up.ts';

const HOUR_MS = 3_600_000;
const QUANTILE = 0.95;

/** A breach of one source, and how long it stood without an alert. */
export interface JudgedBreach extends Interval {
  readonly sourceId: string;
  readonly deviceId: string;
  readonly deviceName: string;
  readonly sourceName: string;
  readonly silentMs: number;
  /** From its beginning until an alert was open; null: none was before it ended. */
  readonly latencyMs: number | null;
}

export interface NamedDrill extends JudgedDrill {
  readonly id: string;
  readonly deviceName: string;
  readonly finishedMs: number;
}

export interface JudgedService {
  readonly breaches: readonly JudgedBreach[];
  readonly drills: readonly NamedDrill[];
}

export async function loadServiceFigures(
  tx: Tx,
  place: ServicePlace,
  versions: readonly ContractVersion[],
  nowMs: number,
): Promise<ServiceFigures> {
  return sumService(await judgeService(tx, place, versions, nowMs));
}

type ServicePlace = Pick<MonthPlace, 'tenantId' | 'customerId' | 'whole'>;

/** Breach by breach and drill by drill: what the figures of the service are the sum of. */
export async function judgeService(
  tx: Tx,
  { tenantId, customerId, whole }: ServicePlace,
  versions: readonly ContractVersion[],
  nowMs: number,
): Promise<JudgedService> {
  const window = { startMs: whole.startMs, endMs: Math.min(whole.endMs, nowMs) };
  const facts = await loadFacts(
    tx,
    { tenantId, customerIds: [customerId], sourceIds: null, isLookingBack: true },
    window,
  );
  const alerts = await selectAlerts(tx, { tenantId, customerId }, window, nowMs);
  const breaches = facts.flatMap((one) => {
    const found = sourceFigures(one, versions, whole, nowMs)?.breaches ?? [];
    const open = alerts.filter(({ deviceId }) => deviceId === one.deviceId);
    const latencies = detectionLatencies(found, open);
    const { sourceId, deviceId, deviceName, sourceName } = one;
    return found.map((breach, at) => ({
      ...{ ...breach, sourceId, deviceId, deviceName, sourceName },
      silentMs: silentFailureMs([breach], open),
      latencyMs: latencies[at] ?? null,
    }));
  });
  return { breaches, drills: facts.flatMap((one) => judgedDrills(one, window)) };
}

export function sumService({ breaches, drills }: JudgedService): ServiceFigures {
  const seen = breaches.flatMap(({ latencyMs }) => latencyMs ?? []).sort((a, b) => a - b);
  return {
    silentMs: breaches.reduce((sum, one) => sum + one.silentMs, 0),
    breaches: breaches.length,
    undetected: breaches.length - seen.length,
    latencyMs: seen[Math.min(seen.length - 1, Math.floor(seen.length * QUANTILE))] ?? null,
    falseGreen: falseGreenRate(drills),
  };
}

async function selectAlerts(
  tx: Tx,
  where: { readonly tenantId: string; readonly customerId: string },
  window: Interval,
  nowMs: number,
): Promise<(Interval & { readonly deviceId: string | null })[]> {
  const rows = await tx.alert.findMany({
    where: {
      ...where,
      kind: { in: [...TELLS_OF_AGE] },
      openedAt: { lt: new Date(window.endMs) },
      OR: [{ resolvedAt: null }, { resolvedAt: { gt: new Date(window.startMs) } }],
    },
    select: { deviceId: true, openedAt: true, resolvedAt: true },
  });
  return rows.map(({ deviceId, openedAt, resolvedAt }) => ({
    deviceId,
    startMs: openedAt.getTime(),
    endMs: resolvedAt?.getTime() ?? nowMs,
  }));
}

/** The drills of the window. One that failed did so on the data: what the infrastructure stops is void. */
function judgedDrills({ drills, policy, deviceName }: NamedFacts, window: Interval): NamedDrill[] {
  const freshMs = policy.drill.everyHours * HOUR_MS + policy.rpoMinutes * 60_000;
  return drills.flatMap((drill) => {
    if (drill.state === 'void' || drill.finishedMs < window.startMs) return [];
    const beganMs = drill.finishedMs - (drill.timings.total ?? 0);
    const earlier = drills.filter((one) => one.id !== drill.id && one.finishedMs <= beganMs);
    const { id, state, finishedMs } = drill;
    return [{ id, deviceName, finishedMs, state, isDataReason: true, wasGreen: wasGreen(earlier, beganMs, freshMs) }];
  });
}
