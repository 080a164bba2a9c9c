import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import type { CheckState } from '../../core/domain/outcome.ts';
import type { Scope } from '../access/scope.ts';
import type { Drill } from '../db/generated/client.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

export interface DrillLine {
  readonly id: string;
  readonly level: number;
  readonly trigger: string;
  readonly state: CheckState;
  readonly filesPlanned: number;
  readonly filesDone: number;
  readonly filesMatched: number;
  readonly bytesPlanned: number;
  readonly bytesDone: number;
  readonly createdMs: number;
  readonly startedMs: number | null;
  readonly finishedMs: number | null;
  readonly errorMessage: string | null;
  readonly restorePointId: string;
}

const step = z.object({
  name: z.string(),
  state: z.string(),
  startedMs: z.number().nullish(),
  finishedMs: z.number().nullish(),
  note: z.string().nullish(),
});
const mismatch = z.object({
  path: z.string(),
  expected: z.string().nullish(),
  actual: z.string().nullish(),
  problem: z.string(),
});

export interface DrillDetailView {
  readonly nowMs: number;
  readonly timeZone: string;
  readonly drill: DrillLine;
  readonly seed: string;
  readonly captureMs: number;
  readonly snapshotId: string;
  readonly requestedByName: string | null;
  readonly device: {
    readonly id: string;
    readonly name: string;
    readonly customerId: string;
    readonly customerName: string;
  };
  readonly steps: readonly z.infer<typeof step>[];
  readonly mismatches: readonly z.infer<typeof mismatch>[];
  /** Milliseconds by part: queue, locate, transfer, checks, total. */
  readonly timings: Readonly<Record<string, number>>;
  /** The evidence as indented JSON text; null while the drill runs. */
  readonly evidence: string | null;
}

/** @throws HoldfastError not_found, for a foreign drill exactly as for one that never was. */
export async function viewDrill(services: Services, scope: Scope, drillId: string): Promise<DrillDetailView> {
  return await withScope(services, scope, async (tx) => {
    const drill = await tx.drill.findUnique({
      where: { tenantId_id: { tenantId: scope.tenantId, id: drillId } },
      include: {
        device: { include: { customer: true } },
        restorePoint: { select: { captureAt: true, snapshotId: true } },
        requester: { select: { name: true } },
      },
    });
    if (drill === null) throw new HoldfastError('not_found', 'There is no such drill.');
    const { device } = drill;
    return {
      nowMs: services.clock.nowMs(),
      timeZone: device.customer.timezone,
      drill: toDrillLine(drill),
      seed: drill.seed,
      captureMs: drill.restorePoint.captureAt.getTime(),
      snapshotId: drill.restorePoint.snapshotId,
      requestedByName: drill.requester?.name ?? null,
      device: { id: device.id, name: device.name, customerId: device.customerId, customerName: device.customer.name },
      steps: z.array(step).catch([]).parse(drill.steps),
      mismatches: z.array(mismatch).catch([]).parse(drill.mismatches),
      timings: z.record(z.string(), z.number()).catch({}).parse(drill.timings),
      evidence: drill.evidence === null ? null : JSON.stringify(drill.evidence, null, 2),
    };
  });
}

/** Drills of one device, the newest first. */
export async function listDrillLines(
  tx: Tx,
  scope: Scope,
  filter: { readonly deviceId: string },
  limit: number,
): Promise<DrillLine[]> {
  const drills = await tx.drill.findMany({
    where: { tenantId: scope.tenantId, ...filter },
    orderBy: { createdAt: 'desc' },
    omit: { evidence: true, mismatches: true, steps: true, timings: true },
    take: limit,
  });
  return drills.map(toDrillLine);
}

function toDrillLine(drill: Omit<Drill, 'evidence' | 'mismatches' | 'steps' | 'timings'>): DrillLine {
  return {
    id: drill.id,
    level: drill.level,
    trigger: drill.trigger,
    state: drill.state as CheckState, // held by a CHECK constraint of the database
    filesPlanned: drill.filesPlanned,
    filesDone: drill.filesDone,
    filesMatched: drill.filesMatched,
    bytesPlanned: Number(drill.bytesPlanned),
    bytesDone: Number(drill.bytesDone),
    createdMs: drill.createdAt.getTime(),
    startedMs: drill.startedAt?.getTime() ?? null,
    finishedMs: drill.finishedAt?.getTime() ?? null,
    errorMessage: drill.errorMessage,
    restorePointId: drill.restorePointId,
  };
}
