import { HoldfastError } from '../../core/base/errors.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { protectedPlaces } from '../../core/domain/source-words.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { agentTooOld } from '../drills/order-agent-drill.ts';
import { damageImpact } from '../damage/damage-impact.ts';
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
  /** The machine alone could test it, and its agent is too old to; null: nothing is in the way. */
  readonly agentTooOld: { readonly has: string; readonly needed: string } | null;
  /** A part of it is gone for good, and somebody has accepted that. */
  readonly loss: PointLoss | null;
  /** What the device's policy protects today; short cuts into the tree. */
  readonly protectedPaths: readonly string[];
  /** What was prepared for download from this point and is still kept, the newest first. */
  readonly downloads: readonly DownloadLine[];
}

export interface PointLoss {
  readonly damageId: string;
  readonly acceptedMs: number;
  readonly byName: string | null;
  readonly reason: string;
  readonly objects: number;
  /** The first files that lack something; null where nobody but the customer can know them. */
  readonly files: readonly string[] | null;
  /** Of the whole damage: in this point some of them may lie at other places. */
  readonly filesTotal: number;
}

const SHORTCUTS_MAX = 6;
const LOST_FILES_SHOWN = 50;

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
        lostDamage: {
          select: {
            ...{ id: true, acceptedAt: true, acceptReason: true, keys: true, impact: true },
            accepter: { select: { name: true } },
          },
        },
        device: {
          select: {
            ...{ id: true, name: true, customerId: true, customer: true, agentVersion: true },
            policy: { select: { document: true } },
          },
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
      agentTooOld: point.vault.custody === 'customer_held' ? agentTooOld(device.agentVersion) : null,
      loss: toLoss(point.lostDamage),
      protectedPaths: protectedPlaces(policyDocument.parse(device.policy.document)).slice(0, SHORTCUTS_MAX),
      downloads: await listDownloadLines(tx, scope, pointId, nowMs),
    };
  });
}

interface LossRow {
  readonly id: string;
  readonly acceptedAt: Date | null;
  readonly acceptReason: string | null;
  readonly keys: readonly string[];
  readonly impact: unknown;
  readonly accepter: { readonly name: string } | null;
}

function toLoss(damage: LossRow | null): PointLoss | null {
  if (damage?.acceptedAt == null) return null;
  const impact = damageImpact.safeParse(damage.impact).data;
  return {
    damageId: damage.id,
    acceptedMs: damage.acceptedAt.getTime(),
    byName: damage.accepter?.name ?? null,
    reason: damage.acceptReason ?? '',
    objects: damage.keys.length,
    files: impact?.files.slice(0, LOST_FILES_SHOWN).map(({ path }) => path) ?? null,
    filesTotal: impact?.filesTotal ?? 0,
  };
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
