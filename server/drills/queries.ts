import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import { type DrillCheck, drillCheck, levelReached } from '../../core/domain/drill-checks.ts';
import type { CheckState } from '../../core/domain/outcome.ts';
import { policyDocument } from '../../core/domain/policy.ts';
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
  /** agent: on the customer's own machine; kit: with the recovery kit and stock restic alone. */
  readonly runner: 'service' | 'agent' | 'kit';
  readonly scope: 'sample' | 'full';
  readonly pointChoice: 'latest' | 'random' | 'oldest' | 'chosen';
}

const step = z.object({
  name: z.string(),
  state: z.string(),
  startedMs: z.number().nullish(),
  finishedMs: z.number().nullish(),
  note: z.string().nullish(),
});
/** The steps of a drill's row; what cannot be read is none. */
export const drillStepList = z.array(step).catch([]);
const mismatch = z.object({
  path: z.string(),
  expected: z.string().nullish(),
  actual: z.string().nullish(),
  problem: z.string(),
});

/** What a person said to a drill. */
export interface DrillWord {
  readonly byName: string | null;
  readonly atMs: number;
  readonly words: string | null;
}

export interface DrillPictureLine {
  readonly sha256: string;
  readonly width: number;
  readonly height: number;
}

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
  /** Milliseconds by part (core/domain/rto-parts.ts). */
  readonly timings: Readonly<Record<string, number>>;
  readonly rtoTargetMs: number;
  readonly rpoTargetMs: number;
  /** What a full restore would take, from this sample; null when it was measured, or cannot be said. */
  readonly rtoEstimatedMs: number | null;
  readonly checks: readonly DrillCheck[];
  /** That the checks name by their hashes. */
  readonly pictures: readonly DrillPictureLine[];
  /** What it has really reached; null without a pass. */
  readonly levelReached: number | null;
  readonly warnings: readonly string[];
  /** The newest time that the restored database itself knows of. */
  readonly newestBusinessMs: number | null;
  readonly sourceName: string;
  readonly approved: DrillWord | null;
  readonly remediation: DrillWord | null;
  /** A person has withdrawn the verdict. */
  readonly voided: DrillWord | null;
}

/** @throws HoldfastError not_found, for a foreign drill exactly as for one that never was. */
export async function viewDrill(services: Services, scope: Scope, drillId: string): Promise<DrillDetailView> {
  return await withScope(services, scope, async (tx) => {
    const drill = await tx.drill.findUnique({
      where: { tenantId_id: { tenantId: scope.tenantId, id: drillId } },
      include: {
        device: { include: { customer: true, policy: { select: { document: true } } } },
        source: { select: { name: true } },
        restorePoint: { select: { captureAt: true, snapshotId: true } },
        requester: { select: { name: true } },
        approver: { select: { name: true } },
        remediator: { select: { name: true } },
        voider: { select: { name: true } },
        pictures: { select: { sha256: true, width: true, height: true } },
      },
      omit: { evidence: true },
    });
    if (drill === null) throw new HoldfastError('not_found', 'There is no such drill.');
    const { device } = drill;
    const policy = policyDocument.parse(device.policy.document);
    const checks = z.array(drillCheck).catch([]).parse(drill.checks);
    return {
      nowMs: services.clock.nowMs(),
      timeZone: device.customer.timezone,
      drill: toDrillLine(drill),
      seed: drill.seed,
      captureMs: drill.restorePoint.captureAt.getTime(),
      snapshotId: drill.restorePoint.snapshotId,
      requestedByName: drill.requester?.name ?? null,
      device: { id: device.id, name: device.name, customerId: device.customerId, customerName: device.customer.name },
      steps: drillStepList.parse(drill.steps),
      mismatches: z.array(mismatch).catch([]).parse(drill.mismatches),
      timings: z.record(z.string(), z.number()).catch({}).parse(drill.timings),
      rtoTargetMs: policy.rtoMinutes * 60_000,
      rpoTargetMs: policy.rpoMinutes * 60_000,
      rtoEstimatedMs: drill.rtoEstimatedMs === null ? null : Number(drill.rtoEstimatedMs),
      checks,
      pictures: drill.pictures,
      levelReached: drill.state !== 'passed' ? null : checks.length === 0 ? drill.level : levelReached(checks),
      warnings: z.array(z.string()).catch([]).parse(drill.warnings),
      newestBusinessMs: drill.newestBusinessAt?.getTime() ?? null,
      sourceName: drill.source.name,
      approved: toWord(drill.approver, drill.approvedAt, null),
      remediation: toWord(drill.remediator, drill.remediatedAt, drill.remediation),
      voided: toWord(drill.voider, drill.voidedAt, drill.voidReason),
    };
  });
}

function toWord(by: { readonly name: string } | null, at: Date | null, words: string | null): DrillWord | null {
  return at === null ? null : { byName: by?.name ?? null, atMs: at.getTime(), words };
}

/** Columns of a drill that a list has no use for. */
export const DRILL_LINE_OMIT = {
  evidence: true,
  mismatches: true,
  steps: true,
  timings: true,
  checks: true,
  warnings: true,
  facts: true,
} as const;

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
    omit: DRILL_LINE_OMIT,
    take: limit,
  });
  return drills.map(toDrillLine);
}

export function toDrillLine(drill: Omit<Drill, keyof typeof DRILL_LINE_OMIT>): DrillLine {
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
    // Held by CHECK constraints of the database, as the state is.
    runner: drill.runner as DrillLine['runner'],
    scope: drill.scope as DrillLine['scope'],
    pointChoice: drill.pointChoice as DrillLine['pointChoice'],
  };
}
