import { z } from 'zod';
import { drillCheck } from '../../core/domain/drill-checks.ts';
import type { CheckState } from '../../core/domain/outcome.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { DRILL_LINE_OMIT, type DrillDetailView, type DrillLine, drillStepList, toDrillLine } from './queries.ts';

/** A drill with whose it is. */
export interface PlacedDrill extends DrillLine {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly customerName: string;
  readonly timeZone: string;
}

export interface DrillFilter {
  readonly customerId: string | null;
  /** Part of the name of the device or the customer, any case. */
  readonly text: string;
  readonly state: CheckState | null;
  readonly level: number | null;
}

const placed = {
  device: { select: { id: true, name: true, customer: { select: { name: true, timezone: true } } } },
} as const;

/** Drills that the filter lets through, the newest first, a page of them; and how many there are. */
export async function listDrills(
  tx: Tx,
  scope: Scope,
  filter: DrillFilter,
  page: { readonly number: number; readonly rows: number },
): Promise<{ readonly drills: readonly PlacedDrill[]; readonly total: number }> {
  const contains = { contains: filter.text, mode: 'insensitive' as const };
  const customerId = scope.customerId ?? filter.customerId;
  const where = {
    tenantId: scope.tenantId,
    ...(customerId === null ? {} : { customerId }),
    ...(filter.state === null ? {} : { state: filter.state }),
    ...(filter.level === null ? {} : { level: filter.level }),
    ...(filter.text === '' ? {} : { device: { OR: [{ name: contains }, { customer: { name: contains } }] } }),
  };
  const total = await tx.drill.count({ where });
  const rows = await tx.drill.findMany({
    where,
    orderBy: { createdAt: 'desc' },
    omit: DRILL_LINE_OMIT,
    include: placed,
    skip: (page.number - 1) * page.rows,
    take: page.rows,
  });
  return { total, drills: rows.map(toPlaced) };
}

export interface RunningDrill extends PlacedDrill {
  readonly steps: DrillDetailView['steps'];
}

/** What waits or runs, the oldest first, at most `limit`; and how many there are. */
export async function listRunningDrills(
  tx: Tx,
  scope: Scope,
  limit: number,
): Promise<{ readonly drills: readonly RunningDrill[]; readonly total: number }> {
  const where = {
    tenantId: scope.tenantId,
    ...(scope.customerId === null ? {} : { customerId: scope.customerId }),
    state: { in: ['queued', 'running'] },
  };
  const total = await tx.drill.count({ where });
  const rows = await tx.drill.findMany({
    where,
    // "running" sorts behind "queued": what moves is looked at first.
    orderBy: [{ state: 'desc' }, { createdAt: 'asc' }],
    include: placed,
    omit: { evidence: true },
    take: limit,
  });
  return { total, drills: rows.map((row) => ({ ...toPlaced(row), steps: drillStepList.parse(row.steps) })) };
}

export interface FailedDrill extends PlacedDrill {
  readonly mismatches: number;
  /** A stored object could not be read as it was written. */
  readonly isDamaged: boolean;
  /** The looks that failed. */
  readonly failedChecks: readonly { readonly kind: string; readonly name: string }[];
  readonly remediation: string | null;
}

/** The given drills with why they failed, the newest first. */
export async function listFailures(tx: Tx, scope: Scope, ids: readonly string[]): Promise<FailedDrill[]> {
  const rows = await tx.drill.findMany({
    where: { tenantId: scope.tenantId, id: { in: [...ids] } },
    orderBy: { createdAt: 'desc' },
    include: placed,
    omit: { evidence: true },
  });
  return rows.map((row) => {
    const mismatches = z
      .array(z.object({ problem: z.string() }))
      .catch([])
      .parse(row.mismatches);
    return {
      ...toPlaced(row),
      mismatches: mismatches.length,
      isDamaged: mismatches.some(({ problem }) => problem === 'damaged'),
      failedChecks: z
        .array(drillCheck)
        .catch([])
        .parse(row.checks)
        .filter(({ state }) => state === 'failed')
        .map(({ kind, name }) => ({ kind, name })),
      remediation: row.remediation,
    };
  });
}

type PlacedRow = Parameters<typeof toDrillLine>[0] & {
  readonly device: {
    readonly id: string;
    readonly name: string;
    readonly customer: { readonly name: string; readonly timezone: string };
  };
};

function toPlaced(row: PlacedRow): PlacedDrill {
  const { device } = row;
  return {
    ...toDrillLine(row),
    deviceId: device.id,
    deviceName: device.name,
    customerName: device.customer.name,
    timeZone: device.customer.timezone,
  };
}
