import { monthWindow } from '../../core/domain/calendar.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { type Interval, peakExposure, type PointTimes, promiseStartMs, rpoAttainment } from '../../core/domain/sla.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';

/**
 * Computes one month of one source from its rows, as a whole, and writes it over what was there (docs/metrics.md). The month
 * under way ends now. Nothing is written for a month in which nothing was promised yet.
 */
export async function rollUpMonth(
  services: Services,
  claim: Claim,
  payload: { readonly sourceId: string; readonly month: string },
): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    const source = await tx.source.findUnique({
      where: { tenantId_id: { tenantId, id: payload.sourceId } },
      include: { device: { include: { policy: true, customer: true } } },
    });
    if (source === null) return;
    const month = monthWindow(payload.month, source.device.customer.timezone);
    const { rpoMinutes } = policyDocument.parse(source.device.policy.document);
    const rpoMs = rpoMinutes * 60_000;
    const first = await tx.restorePoint.findFirst({
      where: { tenantId, sourceId: source.id },
      orderBy: { sealedAt: 'asc' },
      select: { sealedAt: true },
    });
    const firstSealedMs = first?.sealedAt.getTime() ?? null;
    const addedMs = source.createdAt.getTime();
    const window = {
      startMs: Math.max(month.startMs, promiseStartMs({ addedMs, firstSealedMs, rpoMs })),
      endMs: Math.min(month.endMs, source.device.revokedAt?.getTime() ?? nowMs, nowMs),
    };
    // At the very instant of the first point the window is empty, and still there is something to show.
    if (window.endMs < window.startMs) return;
    const countedFromMs = Math.max(month.startMs, addedMs);
    const figures = await computeFigures(tx, { tenantId, sourceId: source.id }, { window, countedFromMs, rpoMs });
    const row = { ...figures, rpoSeconds: BigInt(rpoMinutes * 60), computedAt: new Date(nowMs) };
    await tx.sourceMonth.upsert({
      where: { tenantId_sourceId_month: { tenantId, sourceId: source.id, month: payload.month } },
      create: {
        tenantId,
        sourceId: source.id,
        month: payload.month,
        customerId: source.customerId,
        deviceId: source.deviceId,
        ...row,
      },
      update: row,
    });
  });
}

async function computeFigures(
  tx: Tx,
  mine: { readonly tenantId: string; readonly sourceId: string },
  {
    window,
    countedFromMs,
    rpoMs,
  }: {
    readonly window: Interval;
    /** What was expected and drilled counts from the day the source was added; its first backup is expected at once. */
    readonly countedFromMs: number;
    readonly rpoMs: number;
  },
) {
  const inWindow = { gte: new Date(countedFromMs), lt: new Date(window.endMs) };
  const points = await loadPoints(tx, mine, window);
  const occurrences = await tx.expectedOccurrence.findMany({
    where: { ...mine, dueAt: inWindow },
    select: { outcome: true, dueAt: true, windowEnd: true },
  });
  const excused = occurrences
    .filter(({ outcome }) => outcome === 'excused')
    .map(({ dueAt, windowEnd }) => ({ startMs: dueAt.getTime(), endMs: windowEnd.getTime() }));
  const count = (...outcomes: string[]): number =>
    occurrences.filter(({ outcome }) => outcome !== null && outcomes.includes(outcome)).length;
  const drills = await tx.drill.groupBy({
    by: ['state'],
    where: { ...mine, finishedAt: inWindow },
    _count: true,
  });
  const drillCount = (state: string): number => drills.find((group) => group.state === state)?._count ?? 0;
  const attainment = rpoAttainment({ points, window, excused, rpoMs });
  const peak = peakExposure(points, window);
  // Rounded so that neither the violation is shortened nor the window passed.
  const windowSeconds = Math.floor(attainment.windowMs / 1000);
  return {
    windowStart: new Date(window.startMs),
    windowEnd: new Date(window.endMs),
    windowSeconds: BigInt(windowSeconds),
    violationSeconds: BigInt(Math.min(windowSeconds, Math.ceil(attainment.violationMs / 1000))),
    peakExposureSeconds: peak === null ? null : BigInt(Math.ceil(peak.ageMs / 1000)),
    peakExposureAt: peak === null ? null : new Date(peak.atMs),
    restorePoints: points.filter(({ commitMs }) => commitMs >= window.startMs).length,
    // Open ones count once their window is over: until then nothing is known of them.
    expected: occurrences.filter(({ outcome, windowEnd }) => outcome !== null || windowEnd.getTime() < window.endMs)
      .length,
    ok: count('ok'),
    late: count('late'),
    partial: count('partial'),
    failed: count('failed', 'stuck'),
    missed: count('missed'),
    excused: count('excused'),
    drillsPassed: drillCount('passed'),
    drillsFailed: drillCount('failed'),
    drillsVoid: drillCount('void'),
  };
}

/** Usable points sealed before the window's end, and of the older ones those that can still be the newest in it. */
async function loadPoints(
  tx: Tx,
  mine: { readonly tenantId: string; readonly sourceId: string },
  window: Interval,
): Promise<PointTimes[]> {
  const usable = { ...mine, state: 'sealed', isUsable: true };
  const select = { captureAt: true, sealedAt: true } as const;
  const carried = await tx.restorePoint.findFirst({
    where: { ...usable, sealedAt: { lt: new Date(window.startMs) } },
    orderBy: { captureAt: 'desc' },
    select,
  });
  const inside = await tx.restorePoint.findMany({
    where: { ...usable, sealedAt: { gte: new Date(window.startMs), lt: new Date(window.endMs) } },
    select,
  });
  return [...(carried === null ? [] : [carried]), ...inside].map(({ captureAt, sealedAt }) => ({
    captureMs: captureAt.getTime(),
    commitMs: sealedAt.getTime(),
  }));
}
