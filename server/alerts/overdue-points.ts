/**
 * Restore points that a policy no longer keeps and that are still there. By the functions that forget in core/repository, from the
 * rows alone: no storage is asked. A point that is locked away is left out, for people decide about it; so are the newest usable and
 * the newest proven one, which nobody may remove.
 */
import type { OverduePoints } from '../../core/domain/alerts/device-facts.ts';
import type { RetentionTerms } from '../../core/domain/policy.ts';
import { offsetMs } from '../../core/domain/wall-clock.ts';
import { decideKeep, KEEP_PERIODS, type KeepPolicy } from '../../core/repository/forget/keep-policy.ts';
import { goTime } from '../../core/repository/format/go-text.ts';
import type { Tx } from '../db/client.ts';

export interface AgedPoint {
  readonly id: string;
  readonly captureMs: number;
  readonly sealedMs: number;
  /** When it was let go; null: it is there. */
  readonly goneMs: number | null;
  /** Nobody may remove it, whatever the terms say. */
  readonly isPinned: boolean;
}

/** What is still there of it, since when the first should be gone; undefined: nothing. */
export function overdueOf(
  points: readonly AgedPoint[],
  terms: RetentionTerms,
  timeZone: string,
  nowMs: number,
): OverduePoints | undefined {
  const there = points.filter(({ goneMs }) => goneMs === null).sort((a, b) => a.sealedMs - b.sealedMs);
  const all = unkept(there, terms, timeZone, nowMs);
  if (all.size === 0) return undefined;
  // What is not kept once is not kept later: with each point more, the first one that goes is looked for between two numbers.
  let [none, some] = [0, there.length];
  while (some - none > 1) {
    const middle = (none + some) >> 1;
    if (unkept(there.slice(0, middle), terms, timeZone, nowMs).size > 0) some = middle;
    else none = middle;
  }
  const gone = points.flatMap(({ goneMs }) => goneMs ?? []);
  return {
    sinceMs: there[some - 1]!.sealedMs,
    points: all.size,
    lastGoneMs: gone.length === 0 ? null : gone.reduce((a, b) => Math.max(a, b)),
  };
}

const DAY_MS = 86_400_000;

/** For how long each point was there that was not kept, looked at once a day: what a back-test reads. */
export function overdueStretches(
  points: readonly AgedPoint[],
  terms: RetentionTerms,
  timeZone: string,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): { sinceMs: number; goneMs: number | null }[] {
  const since = new Map<string, number>();
  for (let atMs = startMs; atMs <= endMs; atMs += DAY_MS) {
    const known = points.filter(({ sealedMs }) => sealedMs <= atMs);
    // Nothing is due but by a backup: of one a day this is exact.
    const lastMs = known.reduce((newest, { sealedMs }) => Math.max(newest, sealedMs), startMs);
    for (const id of unkept(known, terms, timeZone, endMs)) if (!since.has(id)) since.set(id, lastMs);
  }
  return points.flatMap(({ id, goneMs }) => {
    const sinceMs = since.get(id);
    return sinceMs === undefined || (goneMs !== null && goneMs <= sinceMs) ? [] : [{ sinceMs, goneMs }];
  });
}

function unkept(points: readonly AgedPoint[], terms: RetentionTerms, timeZone: string, nowMs: number): Set<string> {
  const pinned = new Set(points.filter(({ isPinned }) => isPinned).map(({ id }) => id));
  // Days begin at the customer's midnight, as in every other figure.
  const snapshots = points.map(({ id, captureMs }) => ({
    ...{ id, tree: '', paths: [] },
    time: goTime(BigInt(captureMs) * 1_000_000n, (seconds) => offsetMs(seconds * 1000, timeZone) / 1000),
  }));
  const decided = decideKeep(snapshots, policyOf(terms), { nowNs: BigInt(nowMs) * 1_000_000n });
  return new Set(
    decided
      .filter(({ reasons, snapshot }) => reasons.length === 0 && !pinned.has(snapshot.id))
      .map(({ snapshot }) => snapshot.id),
  );
}

function policyOf(terms: RetentionTerms): KeepPolicy {
  const { last, withinDays } = terms;
  return {
    counts: Object.fromEntries(
      KEEP_PERIODS.flatMap((period) => {
        const count = terms[period];
        return count === undefined ? [] : [[period, count]];
      }),
    ),
    ...(last === undefined ? {} : { last }),
    ...(withinDays === undefined ? {} : { within: { years: 0, months: 0, days: withinDays, hours: 0 } }),
  };
}

/** By source, of devices whose policy says what is kept. */
export async function selectOverdue(
  tx: Tx,
  tenantId: string,
  deviceIds: readonly string[],
  nowMs: number,
): Promise<ReadonlyMap<string, OverduePoints>> {
  const sources = await loadAgedPoints(tx, tenantId, deviceIds);
  return new Map(
    sources.flatMap(({ sourceId, terms, timeZone, points }) => {
      const overdue = overdueOf(points, terms, timeZone, nowMs);
      return overdue === undefined ? [] : [[sourceId, overdue] as const];
    }),
  );
}

export interface AgedSource {
  readonly sourceId: string;
  readonly terms: RetentionTerms;
  readonly timeZone: string;
  readonly points: readonly AgedPoint[];
}

/** Every point of these devices' sources, those that were let go since that is kept among them; none of a policy that keeps all. */
export async function loadAgedPoints(tx: Tx, tenantId: string, deviceIds: readonly string[]): Promise<AgedSource[]> {
  const rows = await tx.$queryRaw<
    {
      sourceId: string;
      terms: RetentionTerms;
      timeZone: string;
      id: string;
      captureAt: Date;
      sealedAt: Date;
      goneAt: Date | null;
      isUsable: boolean;
      isProven: boolean;
    }[]
  >`SELECT s.id AS "sourceId", y.document -> 'retention' AS terms, c.timezone AS "timeZone", p.id, p.capture_at AS "captureAt",
      p.sealed_at AS "sealedAt", p.expired_at AS "goneAt", p.is_usable AS "isUsable", p.drilled_at IS NOT NULL AS "isProven"
    FROM device d
    JOIN policy y ON y.tenant_id = d.tenant_id AND y.id = d.policy_id AND y.document ? 'retention'
    JOIN customer c ON c.tenant_id = d.tenant_id AND c.id = d.customer_id
    JOIN source s ON s.tenant_id = d.tenant_id AND s.device_id = d.id
    JOIN restore_point p ON p.tenant_id = s.tenant_id AND p.source_id = s.id
      AND (p.state = 'sealed' OR (p.state = 'expired' AND p.expired_at IS NOT NULL))
    WHERE d.tenant_id = ${tenantId}::uuid AND d.id = ANY (${[...deviceIds]}::uuid[])
    ORDER BY s.id, p.capture_at DESC`;
  return [...Map.groupBy(rows, ({ sourceId }) => sourceId)].map(([sourceId, own]) => {
    const there = own.filter(({ goneAt }) => goneAt === null);
    const pinned = [there.find(({ isUsable }) => isUsable)?.id, there.find(({ isProven }) => isProven)?.id];
    return {
      sourceId,
      terms: own[0]!.terms,
      timeZone: own[0]!.timeZone,
      points: own.map((row) => ({
        id: row.id,
        captureMs: row.captureAt.getTime(),
        sealedMs: row.sealedAt.getTime(),
        goneMs: row.goneAt?.getTime() ?? null,
        isPinned: pinned.includes(row.id),
      })),
    };
  });
}
