/** What the service did in a customer's month: was somebody told, and was the light right? */
import { type ContractVersion } from '../../core/domain/sla/contract.ts';
import type { Interval } from '../../core/domain/sla/intervals.ts';
import { detectionLatencies, falseGreenRate, silentFailureMs, wasGreen } from '../../core/domain/sla/own-service.ts';
import { sourceFigures } from '../../core/domain/sla/source-figures.ts';
import type { ServiceFigures } from '../../core/domain/sla/standing.ts';
import type { Tx } from '../db/client.ts';
import { loadFacts, type NamedFacts } from './load-facts.ts';
import type { MonthPlace } from './roll-up.ts';

const HOUR_MS = 3_600_000;
const QUANTILE = 0.95;

export async function loadServiceFigures(
  tx: Tx,
  { tenantId, customerId, whole }: MonthPlace,
  versions: readonly ContractVersion[],
  nowMs: number,
): Promise<ServiceFigures> {
  const window = { startMs: whole.startMs, endMs: Math.min(whole.endMs, nowMs) };
  const facts = await loadFacts(
    tx,
    { tenantId, customerIds: [customerId], sourceIds: null, isLookingBack: true },
    window,
  );
  const alerts = await selectAlerts(tx, { tenantId, customerId }, window, nowMs);
  const breaches: Interval[] = [];
  const latencies: (number | null)[] = [];
  let silentMs = 0;
  for (const one of facts) {
    const found = sourceFigures(one, versions, whole, nowMs)?.breaches ?? [];
    const open = alerts.filter(({ deviceId }) => deviceId === null || deviceId === one.deviceId);
    breaches.push(...found);
    silentMs += silentFailureMs(found, open);
    latencies.push(...detectionLatencies(found, open));
  }
  const seen = latencies.filter((latency) => latency !== null).sort((a, b) => a - b);
  return {
    silentMs,
    breaches: breaches.length,
    undetected: latencies.length - seen.length,
    latencyMs: seen[Math.min(seen.length - 1, Math.floor(seen.length * QUANTILE))] ?? null,
    falseGreen: falseGreenRate(facts.flatMap((one) => judgedDrills(one, window))),
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
function judgedDrills({ drills, policy }: NamedFacts, window: Interval) {
  const freshMs = policy.drill.everyHours * HOUR_MS + policy.rpoMinutes * 60_000;
  return drills.flatMap((drill) => {
    if (drill.state === 'void' || drill.finishedMs < window.startMs) return [];
    const beganMs = drill.finishedMs - (drill.timings.total ?? 0);
    const earlier = drills.filter((one) => one.id !== drill.id && one.finishedMs <= beganMs);
    return [{ state: drill.state, isDataReason: true, wasGreen: wasGreen(earlier, beganMs, freshMs) }];
  });
}
