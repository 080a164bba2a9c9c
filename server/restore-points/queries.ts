import { HoldfastError } from '../../core/base/errors.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import { type DownloadLine, listDownloadLines } from '../downloads/queries.ts';
import type { Services } from '../services.ts';

export interface PointLine {
  readonly id: string;
  readonly runId: string;
  readonly snapshotId: string;
  readonly captureMs: number;
  readonly sealedMs: number;
  readonly state: 'sealed' | 'quarantined' | 'expired';
  readonly outcome: 'ok' | 'partial';
  readonly isUsable: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly level: number | null;
  readonly verifiedMs: number | null;
  readonly drilledMs: number | null;
  readonly quarantineReason: string | null;
}

export interface PointDetailView {
  readonly nowMs: number;
  readonly timeZone: string;
  readonly point: PointLine;
  readonly device: {
    readonly id: string;
    readonly name: string;
    readonly customerId: string;
    readonly customerName: string;
  };
  readonly custody: 'escrowed' | 'customer_held';
  /** What the device's policy protects today; short cuts into the tree. */
  readonly protectedPaths: readonly string[];
  /** What was prepared for download from this point and is still kept, the newest first. */
  readonly downloads: readonly DownloadLine[];
}

const SHORTCUTS_MAX = 6;

const lineSelect = {
  id: true,
  runId: true,
  snapshotId: true,
  captureAt: true,
  sealedAt: true,
  state: true,
  outcome: true,
  isUsable: true,
  files: true,
  bytes: true,
  storedBytes: true,
  levelPassed: true,
  verifiedAt: true,
  drilledAt: true,
  quarantineReason: true,
} as const;

/** @throws HoldfastError not_found, for a foreign point exactly as for one that never was. */
export async function viewRestorePoint(services: Services, scope: Scope, pointId: string): Promise<PointDetailView> {
  const nowMs = services.clock.nowMs();
  return await withScope(services, scope, async (tx) => {
    const point = await tx.restorePoint.findUnique({
      where: { tenantId_id: { tenantId: scope.tenantId, id: pointId } },
      select: {
        ...lineSelect,
        vault: { select: { custody: true } },
        device: {
          select: { id: true, name: true, customerId: true, customer: true, policy: { select: { document: true } } },
        },
      },
    });
    if (point === null) throw new HoldfastError('not_found', 'There is no such restore point.');
    const { device } = point;
    return {
      nowMs,
      timeZone: device.customer.timezone,
      point: toPointLine(point),
      device: { id: device.id, name: device.name, customerId: device.customerId, customerName: device.customer.name },
      custody: point.vault.custody === 'customer_held' ? 'customer_held' : 'escrowed',
      protectedPaths: policyDocument.parse(device.policy.document).paths.slice(0, SHORTCUTS_MAX),
      downloads: await listDownloadLines(tx, scope, pointId, nowMs),
    };
  });
}

/** Restore points of one device, the newest capture first. */
export async function listPointLines(
  tx: Tx,
  scope: Scope,
  filter: { readonly deviceId: string },
  limit: number,
): Promise<PointLine[]> {
  const points = await tx.restorePoint.findMany({
    where: { tenantId: scope.tenantId, ...filter },
    orderBy: { captureAt: 'desc' },
    select: lineSelect,
    take: limit,
  });
  return points.map(toPointLine);
}

interface PointRow {
  id: string;
  runId: string;
  snapshotId: string;
  captureAt: Date;
  sealedAt: Date;
  state: string;
  outcome: string;
  isUsable: boolean;
  files: bigint;
  bytes: bigint;
  storedBytes: bigint;
  levelPassed: number | null;
  verifiedAt: Date | null;
  drilledAt: Date | null;
  quarantineReason: string | null;
}

function toPointLine(point: PointRow): PointLine {
  return {
    id: point.id,
    runId: point.runId,
    snapshotId: point.snapshotId,
    captureMs: point.captureAt.getTime(),
    sealedMs: point.sealedAt.getTime(),
    // The words are held by CHECK constraints; anything unforeseen is shown as the worst of them.
    state: point.state === 'sealed' || point.state === 'expired' ? point.state : 'quarantined',
    outcome: point.outcome === 'ok' ? 'ok' : 'partial',
    isUsable: point.isUsable,
    files: Number(point.files),
    bytes: Number(point.bytes),
    storedBytes: Number(point.storedBytes),
    level: point.levelPassed,
    verifiedMs: point.verifiedAt?.getTime() ?? null,
    drilledMs: point.drilledAt?.getTime() ?? null,
    quarantineReason: point.quarantineReason,
  };
}
