/** What the record of a drill says: from the drill's row as it stands when its verdict is written. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { drillCheck, levelReached } from '../../core/domain/drill-checks.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { elapsedRtoMs, technicalRtoMs } from '../../core/domain/rto-parts.ts';
import { type DrillEvidence, drillEvidence } from '../../core/evidence/drill-evidence.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';
import { SERVICE_VERSION } from '../version.ts';
import { appendEvidence } from './append-evidence.ts';

const WORDS = {
  service: 'Restored by the provider’s worker, with the drill key that it holds.',
  agent:
    'Restored on the customer’s own machine, which alone holds the keys; compared by the service with the hashes that it kept.',
  kit: 'Restored with the customer’s recovery kit and stock restic alone, without the service.',
} as const;

/** What a drill's row keeps beside its columns; what is not there is empty. */
const detail = z.object({
  confinement: z.array(z.string()).catch([]),
  selection: z
    .object({
      files: drillEvidence.shape.selection.shape.files.catch([]),
      leftOutBySize: z.number().catch(0),
    })
    .catch({ files: [], leftOutBySize: 0 }),
  answer: drillEvidence.shape.answer.catch(null),
  software: z.record(z.string(), z.string()).catch({}),
});
const timingsOf = z.record(z.string(), z.number().min(0)).catch({});
const mismatches = drillEvidence.shape.result.shape.mismatches;

/** Adds the record of a drill that has its verdict, or is void, to the customer's chain. Its row must be final but for this. */
export function recordDrillEvidence(
  services: Pick<Services, 'keys' | 'clock'>,
  change: Change,
  drill: { readonly tenantId: string; readonly customerId: string; readonly id: string },
): void {
  const { tenantId, customerId, id } = drill;
  appendEvidence(services, change, {
    tenantId,
    customerId,
    kind: 'drill',
    drillId: id,
    body: async () => await drillBody(change.tx, tenantId, id),
  });
}

async function drillBody(tx: Tx, tenantId: string, id: string): Promise<DrillEvidence> {
  const drill = await tx.drill.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id } },
    include: {
      device: { include: { policy: true } },
      source: true,
      vault: true,
      restorePoint: { omit: { witness: true, packIds: true } },
      requester: { select: { id: true, name: true } },
    },
  });
  const { device, source, vault, restorePoint: point } = drill;
  const manifest = await tx.runManifest.findUnique({ where: { tenantId_runId: { tenantId, runId: point.runId } } });
  const policy = policyDocument.parse(device.policy.document);
  const kept = detail.parse(drill.evidence ?? {});
  const checks = z.array(drillCheck).parse(drill.checks);
  const timings = timingsOf.parse(drill.timings);
  const { total: _, ...partsMs } = timings;
  const isPassed = drill.state === 'passed';
  const runner = drillEvidence.shape.performer.shape.kind.parse(drill.runner);
  const iso = (at: Date | null): string | null => at?.toISOString() ?? null;
  return {
    drillId: id,
    date: {
      orderedAt: drill.createdAt.toISOString(),
      startedAt: iso(drill.startedAt),
      finishedAt: (drill.finishedAt ?? drill.createdAt).toISOString(),
    },
    systems: {
      device: {
        id: device.id,
        name: device.name,
        hostname: device.hostname,
        os: device.os,
        arch: device.arch,
        agentVersion: device.agentVersion,
      },
      source: { id: source.id, name: source.name, kind: source.kind },
      policy: { id: device.policy.id, name: device.policy.name, version: device.policy.version },
    },
    scope: {
      kind: drillEvidence.shape.scope.shape.kind.parse(drill.scope),
      filesTested: drill.filesPlanned,
      bytesTested: Number(drill.bytesPlanned),
      filesInPoint: Number(point.files),
      bytesInPoint: Number(point.bytes),
      leftOutBySize: kept.selection.leftOutBySize,
    },
    restorePoint: {
      id: point.id,
      choice: drill.pointChoice,
      capturedAt: point.captureAt.toISOString(),
      committedAt: point.committedAt.toISOString(),
      sealedAt: point.sealedAt.toISOString(),
      repositoryId: vault.repositoryId,
      snapshotId: point.snapshotId,
      treeId: point.treeId,
      vaultId: vault.id,
      custody: vault.custody,
    },
    rpo: {
      targetMinutes: policy.rpoMinutes,
      dataAgeMs: drill.startedAt === null ? null : Math.max(0, drill.startedAt.getTime() - point.captureAt.getTime()),
      newestBusinessAt: iso(drill.newestBusinessAt),
    },
    rto: {
      targetMinutes: policy.rtoMinutes,
      partsMs,
      technicalMs: technicalRtoMs(timings) ?? null,
      elapsedMs: elapsedRtoMs(timings) ?? null,
      estimatedFullMs: drill.rtoEstimatedMs === null ? null : Number(drill.rtoEstimatedMs),
    },
    // Without looks of its own a drill compared files, and reached what it was asked for by that.
    level: { asked: drill.level, reached: !isPassed ? 0 : checks.length === 0 ? drill.level : levelReached(checks) },
    checks,
    result: {
      verdict: drillEvidence.shape.result.shape.verdict.parse(drill.state),
      message: drill.errorMessage,
      filesRestored: drill.filesDone,
      filesMatched: drill.filesMatched,
      bytesRestored: Number(drill.bytesDone),
      mismatches: mismatches.parse(drill.mismatches),
    },
    performer: {
      kind: runner,
      // The kit is in somebody's hands: no machine has it.
      isRobot: runner !== 'kit' && drill.requester === null,
      words: WORDS[runner],
      trigger: drill.trigger,
      orderedBy: drill.requester,
    },
    approver: null,
    remediation: null,
    sandbox: { layers: kept.confinement, warnings: z.array(z.string()).parse(drill.warnings) },
    selection: { seed: drill.seed, files: kept.selection.files },
    manifest:
      manifest === null
        ? null
        : {
            runId: point.runId,
            sha256: createHash('sha256').update(manifest.text).digest('hex'),
            signature: manifest.signature,
            devicePublicKey: device.publicKey,
          },
    answer: kept.answer,
    software: { holdfast: SERVICE_VERSION, node: process.version, ...kept.software },
  };
}
